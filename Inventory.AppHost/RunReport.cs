using Inventory.Identity;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Npgsql;
using StackExchange.Redis;

namespace Inventory.AppHost;

/// <summary>
/// Says on the console when a local run can sell, and writes <c>endpoints.env</c>, where scripts and people find
/// addresses, passwords and demo keys until the run ends.
/// </summary>
internal sealed class RunReport(
    DistributedApplicationModel model, ResourceNotificationService notifications,
    RunSettings settings, TimeProvider time) : BackgroundService
{
    private const string Dashboard = "aspire-dashboard";

    // The secret of local runs is text; the API accepts such a secret only in Development.
    private const string WebhookSecretSetting = "Payments:WebhookSecrets:0";

    /// <summary>The file's name in the run's folder.</summary>
    public const string FileName = "endpoints.env";

    private string File => Path.Combine(settings.Folder, FileName);

    /// <inheritdoc/>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        System.IO.File.Delete(File);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // Where the stores are containers, the folder holds nothing but the report.
        Directory.CreateDirectory(settings.Folder);
        System.IO.File.Delete(File);
        // A healthy gateway forwards; the other two are needed for a reservation to be held.
        foreach (var needed in new[] { "reconciliation-worker", "reservation-api", "gateway" })
        {
            await notifications.WaitForResourceHealthyAsync(
                needed, WaitBehavior.WaitOnResourceUnavailable, stoppingToken);
        }

        var gateway = Resource<IResourceWithEndpoints>("gateway").GetEndpoint("http").Url;
        var redis = ConfigurationOptions.Parse(await ConnectionStringAsync("redis", stoppingToken));
        var ledger = new NpgsqlConnectionStringBuilder(await ConnectionStringAsync("ledger", stoppingToken));
        var login = DashboardLogin();
        string[] lines =
        [
            $"GATEWAY_URL={gateway}",
            // The account is named because redis-cli takes an empty account for a name.
            $"REDIS_URL=redis://default:{redis.Password}@{Address(redis)}",
            $"PG_DSN=postgresql://{ledger.Username}:{ledger.Password}@{ledger.Host}:{ledger.Port}/{ledger.Database}",
            $"ADMIN_KEY={DemoKeys.Admin}",
            $"BACKEND_KEY={DemoKeys.Backend}",
            $"WEBHOOK_SECRET={WebhookSecret()}",
            .. login is null ? Array.Empty<string>() : [$"DASHBOARD_URL='{login}'"],
        ];
        await PrivateFile.WriteAsync(File, string.Join('\n', lines) + '\n');
        var took = time.GetElapsedTime(settings.ReadAt);
        await Console.Out.WriteLineAsync($"""

            Ready after {took.TotalSeconds:0} s. Ctrl+C stops it; the data stays (--fresh wipes it).

              gateway    {gateway}
              API docs   {gateway}/docs
              dashboard  {login ?? "off"}
              redis      {Address(redis)}
              postgres   {ledger.Host}:{ledger.Port}, database {ledger.Database}

            Passwords and demo keys (ADMIN_KEY, BACKEND_KEY) are in {File}.
            On this machine, holding needs no key. Try first:

              curl -sX POST {gateway}/reserve -H 'Content-Type: application/json' -d {Example}

            """);
    }

    private const string Example = """'{"sku":"sku-123","qty":2,"cart_id":"cart-abc","ttl_seconds":120}'""";

    private T Resource<T>(string name) where T : IResource =>
        model.Resources.OfType<T>().Single(resource => resource.Name == name);

    private async Task<string> ConnectionStringAsync(string name, CancellationToken cancellationToken) =>
        (await Resource<IResourceWithConnectionString>(name).GetConnectionStringAsync(cancellationToken))!;

    private static string Address(ConfigurationOptions redis) =>
        redis.EndPoints[0] is System.Net.DnsEndPoint name ? $"{name.Host}:{name.Port}" : $"{redis.EndPoints[0]}";

    /// <summary>The dashboard's address with the token that signs a browser in; null where no dashboard runs.</summary>
    private string? DashboardLogin() => notifications.TryGetCurrentState(Dashboard, out var dashboard)
        && dashboard.Snapshot.Urls.FirstOrDefault(url => url.Name is "http" or "https") is { } url
        ? url.Url : null;

    private string? WebhookSecret()
    {
        var project = Resource<ProjectResource>("reservation-api").GetProjectMetadata().ProjectPath;
        var folder = Path.GetDirectoryName(project)!;
        return new ConfigurationBuilder().AddJsonFile(Path.Combine(folder, "appsettings.Development.json"))
            .Build()[WebhookSecretSetting];
    }
}
