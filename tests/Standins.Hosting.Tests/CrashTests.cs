using Aspire.Hosting.Processes;
using Npgsql;
using StackExchange.Redis;

namespace Standins.Hosting.Tests;

/// <summary>What is killed comes back on its port, with its data.</summary>
public sealed class CrashTests
{
    [Fact]
    public async Task Killed_processes_come_back_on_the_same_port()
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.Sample_AppHost>();
        await using var app = await builder.BuildAsync();
        await app.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("gateway").WaitAsync(Replicas.Patience);
        var cache = (await app.GetConnectionStringAsync("cache"))!;
        await using (var redis = await ConnectionMultiplexer.ConnectAsync(cache))
        {
            await redis.GetDatabase().StringSetAsync("kept", "by the append-only file");
        }

        string[] names = ["cache", "postgres", "stock-api"];
        var earlier = names.ToDictionary(name => name, app.ProcessIds);
        foreach (var id in earlier.Values.Select(ids => ids[0]))
        {
            Signals.Send(id, Signal.Kill);
        }

        await Task.WhenAll(names.Select(name => app.WaitForAnotherProcessAsync(name, earlier[name])));

        using var api = app.CreateHttpClient("stock-api");
        Assert.Equal("healthy", await api.GetStringAsync(new Uri("/health", UriKind.Relative)));
        await using var again = await ConnectionMultiplexer.ConnectAsync(cache);
        Assert.Equal("by the append-only file", await again.GetDatabase().StringGetAsync("kept"));
        await using var ledger = NpgsqlDataSource.Create((await app.GetConnectionStringAsync("ledger"))!);
        await using var select = ledger.CreateCommand("SELECT current_database()");
        Assert.Equal("books", await select.ExecuteScalarAsync());
        Assert.Equal(earlier["stock-api"][1], app.ProcessIds("stock-api")[1]);
    }

    [Fact]
    public async Task Data_in_a_volume_survives_a_restart_and_other_data_does_not()
    {
        var root = Directory.CreateTempSubdirectory("standins-").FullName;
        File.SetUnixFileMode(root, File.GetUnixFileMode("/usr"));
        try
        {
            await using (var app = await StartAsync(root))
            {
                await ExecuteAsync(app, "CREATE TABLE kept (id int)");
                await using var redis = await ConnectAsync(app, "forgetful");
                await redis.GetDatabase().StringSetAsync("key", "value");
            }

            Assert.False(Directory.Exists(Path.Combine(root, "session")));
            await using (var app = await StartAsync(root))
            {
                await ExecuteAsync(app, "INSERT INTO kept VALUES (1)");
                await using var redis = await ConnectAsync(app, "forgetful");
                Assert.False(await redis.GetDatabase().KeyExistsAsync("key"));
            }
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task<DistributedApplication> StartAsync(string root)
    {
        var builder = DistributedApplicationTestingBuilder.Create();
        builder.Configuration["Standin:DataRoot"] = root;
        builder.AddPostgres("postgres").WithDataVolume("kept").AddDatabase("ledger");
        builder.AddRedis("forgetful");
        var app = await builder.BuildAsync();
        await app.StartAsync();
        await app.ResourceNotifications.WaitForResourceHealthyAsync("ledger").WaitAsync(Replicas.Patience);
        await app.ResourceNotifications.WaitForResourceHealthyAsync("forgetful").WaitAsync(Replicas.Patience);
        return app;
    }

    private static async Task ExecuteAsync(DistributedApplication app, string sql)
    {
        await using var ledger = NpgsqlDataSource.Create((await app.GetConnectionStringAsync("ledger"))!);
        await using var command = ledger.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<ConnectionMultiplexer> ConnectAsync(DistributedApplication app, string name) =>
        await ConnectionMultiplexer.ConnectAsync((await app.GetConnectionStringAsync(name))!);
}
