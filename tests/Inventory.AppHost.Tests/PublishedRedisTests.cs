using System.Net;
using System.Text.Json.Nodes;
using Inventory.Testing;
using StackExchange.Redis;

namespace Inventory.AppHost.Tests;

/// <summary>The Redis that is published as a container keeps acknowledged writes and evicts no key.</summary>
public sealed class PublishedRedisTests
{
    private const string Password = "only-for-this-test";

    [Fact]
    public async Task The_published_command_line_starts_a_Redis_that_logs_and_never_evicts()
    {
        var redis = (await Manifest.WithStoresAsync(Manifest.Containers)).Find("redis")!;
        string[] command = [Text(redis["entrypoint"]!), .. redis["args"]!.AsArray().Select(each => Text(each!))];
        using var folder = ServerFolder.Create();
        var port = Ports.Free();
        await using var server = await ServerProcess.StartAsync(
            command, account: null, Signals.Kill, TimeSpan.FromSeconds(60), "ready to accept",
            ("REDIS_PASSWORD", Password), ("PATH", PathWithPortOf(port, folder.Data)));

        await using var connection = await ConnectionMultiplexer.ConnectAsync(
            $"127.0.0.1:{port},password={Password},allowAdmin=true");
        var settings = (await connection.GetServer(IPAddress.Loopback, port).ConfigGetAsync())
            .ToDictionary(setting => setting.Key, setting => setting.Value);

        Assert.Equal(
            "appendonly yes, appendfsync no, auto-aof-rewrite-percentage 50, maxmemory-policy noeviction, save ",
            string.Join(", ", Decisive.Select(name => $"{name} {settings[name]}")));
        Assert.True(Directory.Exists(Path.Combine(folder.Data, "appendonlydir")));
    }

    private static readonly string[] Decisive =
        ["appendonly", "appendfsync", "auto-aof-rewrite-percentage", "maxmemory-policy", "save"];

    /// <summary>
    /// A search path with a wrapper of this machine's <c>redis-server</c>, which adds what a container would provide: a
    /// port and a folder of its own.
    /// </summary>
    private static string PathWithPortOf(int port, string data)
    {
        var path = Environment.GetEnvironmentVariable("PATH")!;
        var real = path.Split(Path.PathSeparator).Select(each => Path.Combine(each, "redis-server")).First(File.Exists);
        var wrapper = Path.Combine(Directory.CreateDirectory(Path.Combine(data, "bin")).FullName, "redis-server");
        // The shell of the command line stays the parent, so the server must die with it.
        var exec = OperatingSystem.IsLinux() ? $"exec setpriv --pdeathsig KILL {real}" : $"exec {real}";
        File.WriteAllText(wrapper, $"#!/bin/sh\n{exec} \"$@\" --bind 127.0.0.1 --port {port} --dir {data}\n");
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(wrapper, (UnixFileMode)Convert.ToInt32("755", 8));
        return Path.GetDirectoryName(wrapper) + Path.PathSeparator + path;
    }

    private static string Text(JsonNode node) => node.GetValue<string>();
}
