using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace Inventory.ReservationApi.Description;

/// <summary>Makes the OpenAPI document of the endpoints and their metadata.</summary>
internal static class ApiDescription
{
    private const string KeyScheme = "ApiKey";

    private static readonly string[] Mutating = ["POST", "PUT", "PATCH", "DELETE"];

    internal static string? NameSchema(JsonTypeInfo json)
    {
        if (json.Type == typeof(Refusal)) return "Problem";
        // Each use case has its own Request and Response.
        var isOurs = json.Type.Assembly == typeof(ApiDescription).Assembly;
        return isOurs && json.Type.DeclaringType is { } useCase
            ? useCase.Name + json.Type.Name
            : OpenApiOptions.CreateDefaultSchemaReferenceId(json);
    }

    internal static Task DescribeDocument(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken stop)
    {
        document.Info = new()
        {
            Title = "Inventory reservations",
            Version = "v1",
            Description = "Hold stock while a customer pays. Errors are problem details (RFC 9457); their type leads "
                + "to a page under "
                + $"{Problem.Path}. Calls that change something take an Idempotency-Key.",
        };
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = InventoryHeaders.ApiKey,
                Description = $"A backend's or operator's key, with scopes: {ScopeNames.Known}.",
            },
        };
        // Relative: a client that reads the document through the gateway calls the gateway.
        document.Servers = [new() { Url = "/" }];
        return Task.CompletedTask;
    }

    internal static Task DescribeOperation(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        if (Mutating.Contains(context.Description.HttpMethod) && !metadata.OfType<Repeatable>().Any())
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = InventoryHeaders.IdempotencyKey,
                In = ParameterLocation.Header,
                Description = "Makes a retry safe: the same key with the same request has one effect, and gets its "
                    + $"answer again, byte for byte, marked with {InventoryHeaders.IdempotentReplayed}: true. "
                    + "Remembered for a day, and a success that changed nothing for ten minutes. Refusals are not "
                    + $"remembered. It {IdempotencyKey.Rule}.",
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.String,
                    MinLength = 1,
                    MaxLength = 255,
                    Pattern = "^[ -~]+$",
                },
            });
        }
        foreach (var parameter in operation.Parameters.OfType<OpenApiParameter>().Where(one => one.Name == "sku"))
        {
            parameter.Description = $"The SKU, percent-encoded in UTF-8, / as %2F. It has {Names.SkuRule}.";
            parameter.Schema = NameSchema(Names.MaxSkuLength, Names.SkuPattern);
        }
        foreach (var rule in metadata.OfType<AccessRule>()) DescribeAccess(operation, rule, context.Document!);
        foreach (var header in metadata.OfType<RequestHeader>())
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = header.Name,
                In = ParameterLocation.Header,
                Description = header.Description,
                Schema = new OpenApiSchema { Type = JsonSchemaType.String },
            });
        }
        foreach (var number in metadata.OfType<QueryNumber>())
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = number.Name,
                In = ParameterLocation.Query,
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.Integer,
                    Minimum = number.Least.ToString(CultureInfo.InvariantCulture),
                    Maximum = number.Most.ToString(CultureInfo.InvariantCulture),
                    Default = number.Usual,
                },
            });
        }
        foreach (var answer in metadata.OfType<IProducesResponseTypeMetadata>())
        {
            if (answer.Description is null || ResponseOf(operation, answer.StatusCode) is not { } response) continue;
            response.Description = answer.Description;
        }
        foreach (var refusals in metadata.OfType<Refusals>()) DescribeRefusals(operation, refusals);
        return Task.CompletedTask;
    }

    private static void DescribeAccess(OpenApiOperation operation, AccessRule rule, OpenApiDocument document)
    {
        var scope = rule.Scope.Name();
        operation.Description += rule.Shoppers
            ? $" For shoppers, limited to what is their own, and for keys with the scope {scope}."
            : $" For keys with the scope {scope}.";
        operation.Security =
        [
            new() { [new OpenApiSecuritySchemeReference(KeyScheme, document)] = [scope] },
            // A shopper needs no credential: the gateway begins a session for a caller without one.
            .. rule.Shoppers ? [new OpenApiSecurityRequirement()] : Array.Empty<OpenApiSecurityRequirement>(),
        ];
    }

    private static void DescribeRefusals(OpenApiOperation operation, Refusals refusals)
    {
        foreach (var group in refusals.Types.GroupBy(type => type.Status))
        {
            if (ResponseOf(operation, group.Key) is not { } response) continue;
            response.Description = string.Join("; ", group.Select(type => $"{type.Slug}: {type.Title}"));
            if (response.Content is null || !response.Content.TryGetValue(Refusal.MediaType, out var content)) continue;
            content.Examples = group.ToDictionary(
                type => type.Slug,
                IOpenApiExample (type) => new OpenApiExample { Summary = type.Meaning, Value = Example(type) });
        }
    }

    private static OpenApiResponse? ResponseOf(OpenApiOperation operation, int status)
    {
        IOpenApiResponse? response = null;
        operation.Responses?.TryGetValue(status.ToString(CultureInfo.InvariantCulture), out response);
        return response as OpenApiResponse;
    }

    private static JsonObject Example(ProblemType type) => new()
    {
        ["type"] = type.Uri,
        ["title"] = type.Title,
        ["status"] = type.Status,
        ["detail"] = type.Meaning,
    };

    internal static Task DescribeSchema(
        OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken stop)
    {
        // Answers omit fields without a value, and requests may: null means the same as an absent field.
        schema.Type &= ~JsonSchemaType.Null;
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
        {
            Require(schema, context.JsonTypeInfo);
            DescribeNames(schema);
        }

        if (context.JsonTypeInfo.Type == typeof(Refusal))
        {
            schema.Properties!["challenge"] = Challenge();
            schema.Properties["reason"] = Reason();
        }

        if (context.JsonTypeInfo.Type != typeof(RemainingStock)) return Task.CompletedTask;
        var line = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Properties = new Dictionary<string, IOpenApiSchema>
            {
                ["sku"] = new OpenApiSchema { Type = JsonSchemaType.String },
                ["available"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            },
        };
        schema.OneOf =
        [
            new OpenApiSchema { Type = JsonSchemaType.Integer, Description = "For the one-line form." },
            new OpenApiSchema { Type = JsonSchemaType.Array, Items = line, Description = "For a request with items." },
        ];
        return Task.CompletedTask;
    }

    /// <summary>The lengths and characters of names that a client sends or gets.</summary>
    private static void DescribeNames(OpenApiSchema schema)
    {
        foreach (var (name, property) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
        {
            if (property is not OpenApiSchema own) continue;
            var isSku = name is "sku" or "productId";
            if (!isSku && name is not ("customerId" or "userId" or "cart_id")) continue;
            own.MinLength = 1;
            own.MaxLength = isSku ? Names.MaxSkuLength : Names.MaxHolderIdLength;
            own.Pattern = isSku ? Names.SkuPattern : Names.HolderIdPattern;
        }
    }

    private static OpenApiSchema NameSchema(int maxLength, string pattern) =>
        new() { Type = JsonSchemaType.String, MinLength = 1, MaxLength = maxLength, Pattern = pattern };

    private static void Require(OpenApiSchema schema, JsonTypeInfo type)
    {
        schema.Required ??= new HashSet<string>();
        foreach (var property in type.Properties.Where(property => property.Get is not null))
        {
            // The generator requires every parameter of a constructor.
            if (!property.IsGetNullable) schema.Required.Add(property.Name);
            else if (!property.IsRequired) schema.Required.Remove(property.Name);
        }
    }

    /// <summary>A member of the gateway's refusals.</summary>
    private static OpenApiSchema Reason() => new()
    {
        Type = JsonSchemaType.String,
        Description = "For proof-of-work-required: why the request was refused, missing, malformed, wrong, expired, "
            + "foreign, reused or insufficient.",
    };

    /// <summary>A member of the gateway's refusals.</summary>
    private static OpenApiSchema Challenge() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "For proof-of-work-required: the challenge to solve, as ALTCHA describes.",
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["algorithm"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["challenge"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["maxnumber"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["salt"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["signature"] = new OpenApiSchema { Type = JsonSchemaType.String },
        },
    };
}
