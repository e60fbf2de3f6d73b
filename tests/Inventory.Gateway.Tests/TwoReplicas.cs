namespace Inventory.Gateway.Tests;

/// <summary>A gateway in front of two replicas, new for every test, because tests break them.</summary>
public abstract class TwoReplicas : IAsyncLifetime
{
    private Replica? one;
    private Replica? other;
    private RunningGateway? gateway;

    protected Replica One => one!;

    protected Replica Other => other!;

    protected RunningGateway Gateway => gateway!;

    protected BrokenConnections Connections { get; } = new();

    protected HttpClient Client => Gateway.Client;

    /// <summary>Configuration that the tests of a class need to differ from the defaults.</summary>
    protected virtual (string Key, string Value)[] Settings => [];

    public async Task InitializeAsync()
    {
        one = await Replica.StartAsync("one", Connections);
        other = await Replica.StartAsync("other", Connections);
        gateway = await RunningGateway.StartAsync(one, other, Settings);
    }

    public async Task DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await One.DisposeAsync();
        await Other.DisposeAsync();
    }

    protected static HttpRequestMessage Request(string method, string path, string? idempotencyKey = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (method is not ("GET" or "HEAD")) request.Content = new StringContent("""{"sku":"shoe"}""");
        if (idempotencyKey is not null) request.Headers.Add("Idempotency-Key", idempotencyKey);
        return request;
    }
}
