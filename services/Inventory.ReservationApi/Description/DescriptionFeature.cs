using System.Text.Json.Serialization;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Problems;
using Inventory.ServiceDefaults.Overload;
using Scalar.AspNetCore;

namespace Inventory.ReservationApi.Description;

/// <summary>The OpenAPI document at /openapi/v1.json, and a page to read and try it at /docs.</summary>
internal static class DescriptionFeature
{
    // The page runs the script that starts the viewer, and the viewer's own styles.
    private const string PagePolicy = "default-src 'self'; script-src 'self' 'unsafe-inline'; "
        + "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
        + "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

    internal static void AddDescription(this IHostApplicationBuilder builder)
    {
        // The document's schemas come from the same metadata that reads and writes the bodies. Nothing else uses these
        // options.
        builder.Services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
            json.SerializerOptions.NumberHandling = JsonNumberHandling.Strict;
        });
        builder.Services.AddSingleton<ServedDescription>();
        builder.Services.AddOpenApi(ServedDescription.Name, openApi =>
        {
            openApi.CreateSchemaReferenceId = ApiDescription.NameSchema;
            openApi.AddDocumentTransformer(ApiDescription.DescribeDocument);
            openApi.AddOperationTransformer(ApiDescription.DescribeOperation);
            openApi.AddSchemaTransformer(ApiDescription.DescribeSchema);
        });
    }

    internal static void MapDescription(this IEndpointRouteBuilder routes)
    {
        routes.MapGet(
                ServedDescription.Path, (HttpContext http, ServedDescription document) => document.ServeAsync(http))
            .ExcludeFromDescription()
            .ForEveryone("It describes the API; it gives no access.").MayBeShed(Priority.Browsing);
        routes.MapScalarApiReference("/docs", page =>
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
}
