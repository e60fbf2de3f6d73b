namespace Inventory.ReservationApi.Payments;

/// <summary>What payment providers report.</summary>
internal static class PaymentsFeature
{
    internal static void AddPayments(this IHostApplicationBuilder builder)
    {
        builder.Services.AddValidatedOptions<WebhookOptions>(WebhookOptions.Section)
            .Validate(own => own.WebhookSecrets.All(secret => WebhookOptions.Key(secret) is not null),
                "Each of Payments:WebhookSecrets must be whsec_ and 24 to 64 bytes in base64.")
            .Validate(own => builder.Environment.IsDevelopment() || !own.WebhookSecrets.Any(WebhookOptions.IsText),
                "Payments:WebhookSecrets has a secret that isn't random, such as the one for local runs.");
        builder.Services.AddSingleton<WebhookSignature>();
    }

    internal static void MapPayments(this IEndpointRouteBuilder routes) => ReceivePayment.Map(routes);
}
