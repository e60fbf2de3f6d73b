using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Inventory.Load.Stack;

/// <summary>
/// The processes of a product that runs on this machine, as the Aspire CLI describes them.
/// </summary>
internal sealed class RunningStack : Shop
{
    private const string Api = "reservation-api";

    private JsonNode[] resources;

    private RunningStack(JsonNode[] resources)
        : base(AddressesOf(resources, "gateway")[0], Connection(resources, "redis"), Connection(resources, "ledger")) =>
        this.resources = resources;

    /// <summary>Finds the product that the AppHost of this checkout runs.</summary>
    /// <exception cref="InvalidOperationException">No product of this checkout runs.</exception>
    public static async Task<RunningStack> FindAsync(CancellationToken stop) => new(await DescribeAsync(stop));

    /// <summary>Reads the resources again: a restarted process has another id.</summary>
    public async Task RefreshAsync(CancellationToken stop) => resources = await DescribeAsync(stop);

    /// <summary>Addresses of a service's replicas, without proxies.</summary>
    public Uri[] Addresses(string resource) => AddressesOf(resources, resource);

    /// <summary>Process ids of a resource's replicas; empty when it runs inside another resource's process.</summary>
    public int[] ProcessIds(string resource) =>
    [
        .. Replicas(resources, resource)
            .Select(replica => replica["properties"]?["executable.pid"])
            .OfType<JsonValue>().Select(pid => pid.GetValue<int>()),
    ];

    /// <summary>The dashboard's telemetry endpoint, and the headers that it requires.</summary>
    public (string Endpoint, string Headers) Collector => (
        Replicas(resources, "aspire-dashboard").SelectMany(dashboard => dashboard["urls"]!.AsArray())
            .Select(url => url!).Single(url => (string?)url["name"] == "otlp-grpc")["url"]!.ToString(),
        (string)Replicas(resources, Api).First()["environment"]!["OTEL_EXPORTER_OTLP_HEADERS"]!);

    private static Uri[] AddressesOf(JsonNode[] resources, string resource) =>
    [
        .. Replicas(resources, resource)
            .Select(replica => new Uri((string)replica["environment"]!["ASPNETCORE_URLS"]!)),
    ];

    private static string Connection(JsonNode[] resources, string store) =>
        (string)Replicas(resources, Api).First()["environment"]![$"ConnectionStrings__{store}"]!;

    private static IEnumerable<JsonNode> Replicas(JsonNode[] resources, string resource) =>
        resources.Where(each => (string?)each["displayName"] == resource);

    private static async Task<JsonNode[]> DescribeAsync(CancellationToken stop)
    {
        var start = new ProcessStartInfo("dotnet",
        [
            "aspire", "describe", "--apphost", Path.Combine("Inventory.AppHost", "Inventory.AppHost.csproj"),
            "--format", "json", "--include-hidden", "--non-interactive", "--nologo",
        ])
        {
            WorkingDirectory = Repository.Root,
            Environment = { ["ASPIRE_CLI_TELEMETRY_OPTOUT"] = "1" },
        };
        var text = await Commands.OutputAsync(start, stop);
        try
        {
            return [.. JsonNode.Parse(text)!["resources"]!.AsArray().Select(resource => resource!)];
        }
        catch (JsonException)
        {
            throw new InvalidOperationException($"No product of this checkout runs. {text.Trim()}");
        }
    }
}
