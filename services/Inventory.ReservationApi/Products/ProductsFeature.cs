using Inventory.ReservationApi.Problems;

namespace Inventory.ReservationApi.Products;

/// <summary>The administration of products and stock: everything under /api/products.</summary>
internal static class ProductsFeature
{
    internal static void AddProducts(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<ProductCacheOptions>(ProductCacheOptions.Section);
        builder.Services.AddSingleton<ProductCacheMetrics>();
        builder.Services.AddSingleton<SharedProducts>();
        builder.Services.AddSingleton<ProductCache>();
        builder.Services.AddHostedService(provider => provider.GetRequiredService<ProductCache>());
        builder.Services.AddSingleton<ProductPublisher>();
    }

    internal static void MapProducts(this IEndpointRouteBuilder routes)
    {
        var products = routes.MapGroup("").AnswerLedgerOutages();
        ShowProduct.Map(products);
        PutProduct.Map(products);
        AdjustStock.Map(products);
        ListMovements.Map(products);
        PauseProduct.Map(products);
    }
}
