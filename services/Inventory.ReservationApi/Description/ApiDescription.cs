using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Inventory.Identity;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.ServiceDefaults.Overload;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Inventory.ReservationApi.Description;

/// <summary>The OpenAPI document at /openapi/v1.json, and a page to read and try it at /docs.</summary>
internal static class ApiDescription
{
    private const string Page = "/docs";
    private const string KeyScheme = "ApiKey";

    // The page runs the script that starts the viewer, and the viewer's own styles.
    private const string PagePolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; "
        + "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    private static readonly string[] Mutating = ["POST", "PUT", "PATCH", "DELETE"];

    internal static void AddApiDescription(this IServiceCollection services)
    {
        // The document's schemas come from the same metadata that reads and writes the bodies. Nothing else uses these
        // options.
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        services.AddSingleton<ServedDescription>();
        services.AddOpenApi(ServedDescription.Name, openApi =>
        {
            openApi.CreateSchemaReferenceId = NameSchema;
            openApi.AddDocumentTransformer(DescribeDocument);
            openApi.AddOperationTransformer(DescribeOperation);
            openApi.AddSchemaTransformer(DescribeSchema);
        });
    }

    internal static void MapApiDescription(this WebApplication app)
    {
        app.MapGet(ServedDescription.Path, (HttpContext http, ServedDescription document) => document.ServeAsync(http))
            .ExcludeFromDescription()
            .ForEveryone("It describes the API; it gives no access.").MayBeShed(Priority.Browsing);
        app.MapScalarApiReference(Page, page =>
        {
            page.Title = "Inventory reservations";
            page.DocumentDownloadType = DocumentDownloadType.Direct;
            // By default the page loads fonts from another host, reports its use there, and offers an assistant.
            page.DisableDefaultFonts().DisableTelemetry().DisableAgent().DisableMcp();
            // Both lead to an application on that host.
            page.HideDeveloperTools().HideClientButton();
        }).ForEveryone("It describes the API; it gives no access.").MayBeShed(Priority.Browsing)
            .WithContentPolicy(PagePolicy);
    }

    private static string? NameSchema(JsonTypeInfo json)
    {
        if (json.Type == typeof(Refusal)) return "Problem";
        // Each use case has its own Request and Response.
        var isOurs = json.Type.Assembly == typeof(ApiDescription).Assembly;
        return isOurs && json.Type.DeclaringType is { } useCase
            ? useCase.Name + json.Type.Name
            : OpenApiOptions.CreateDefaultSchemaReferenceId(json);
    }

    private static Task DescribeDocument(
        OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken stop)
    {
        document.Info = new()
        {
            Title = "Inventory reservations",
            Version = "v1",
            Description = "Hold stock while a customer pays. Errors are problem details (RFC 9457) whose type leads to "
                + "a page under "
                + $"{ProblemPages.Path}. Calls that change something take an Idempotency-Key.",
        };
        document.Components ??= new();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [KeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = CallerHeaders.ApiKey,
                Description = $"A backend's or operator's key, with scopes: {ScopeNames.Known}.",
            },
        };
        // Relative: a client that reads the document through the gateway calls the gateway.
        document.Servers = [new() { Url = "/" }];
        return Task.CompletedTask;
    }

    private static Task DescribeOperation(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken stop)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Parameters ??= [];
        if (Mutating.Contains(context.Description.HttpMethod) && !metadata.OfType<Repeatable>().Any())
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = IdempotencyKey.Header,
                In = ParameterLocation.Header,
                Description = "Makes a retry safe: the same key with the same request gets the same answer, byte for "
                    + "byte, marked with "
                    + $"{IdempotencyKey.ReplayedHeader}: true. Remembered for a day. It {IdempotencyKey.Rule}.",
                Schema = new OpenApiSchema
                {
                    Type = JsonSchemaType.String,
                    MinLength = 1,
                    MaxLength = 255,
                    Pattern = "^[ -~]+$",
                },
            });
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

    private static Task DescribeSchema(
        OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken stop)
    {
        // Answers omit fields without a value, and requests may: null means the same as an absent field.
        schema.Type &= ~JsonSchemaType.Null;
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object) Require(schema, context.JsonTypeInfo);
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

    private static void Require(OpenApiSchema schema, JsonTypeInfo type)
    {
        foreach (var property in type.Properties.Where(property => property is { Get: not null, IsGetNullable: false }))
        {
            (schema.Required ??= new HashSet<string>()).Add(property.Name);
        }
    }
}
