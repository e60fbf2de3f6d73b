using StackExchange.Redis;

namespace Standins.Pipelines.Tests;

internal static class Connect
{
    /// <summary>Longer than anything should take, even on a machine that is busy with something else.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Task<ConnectionMultiplexer> To(int port) => ConnectionMultiplexer.ConnectAsync(Options(port));

    public static ConfigurationOptions Options(int port)
    {
        ConfigurationOptions options = ConfigurationOptions.Parse($"127.0.0.1:{port}");
        options.AbortOnConnectFail = false;
        options.AllowAdmin = true;
        options.AsyncTimeout = (int)Patience.TotalMilliseconds;
        options.SyncTimeout = (int)Patience.TotalMilliseconds;
        options.ConnectTimeout = 10_000;
        options.ReconnectRetryPolicy = new LinearRetry(50);
        return options;
    }
}
