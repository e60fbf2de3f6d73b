namespace Inventory.Gateway.Tests;

/// <summary>A gateway in front of two replicas, new for every test, because tests break them.</summary>
public abstract class TwoReplicas : IAsyncLifetime
{
    private Replica? _one;
    private Replica? _other;
    private RunningGateway? _gateway;

    protected Replica One => _one!;

    protected Replica Other => _other!;

    protected RunningGateway Gateway => _gateway!;

    protected BrokenConnections Connections { get; } = new();

    protected HttpClient Client => Gateway.Client;

    /// <summary>Configuration that the tests of a class need to differ from the defaults.</summary>
    protected virtual (string Key, string Value)[] Settings => [];

    public async Task InitializeAsync()
    {
        _one = await Replica.StartAsync("one", Connections);
        _other = await Replica.StartAsync("other", Connections);
        _gateway = await RunningGateway.StartAsync(_one, _other, Settings);
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
