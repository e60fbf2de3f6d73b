using Microsoft.Extensions.Configuration;

var builder = DistributedApplication.CreateBuilder(args);

var redis = builder.AddRedis("cache")
    .WithDataVolume("sample-redis")
    .WithArgs("--appendonly", "yes", "--appendfsync", builder.Configuration["Redis:AppendFsync"] ?? "everysec")
    .WithArgs("--maxmemory-policy", "noeviction");
var postgres = builder.AddPostgres("postgres")
    .WithDataVolume("sample-postgres")
    .WithArgs("-c", "wal_level=logical");
var ledger = postgres.AddDatabase("ledger", "books");

var api = builder.AddProject<Projects.Sample_Service>("stock-api")
    .WithReplicas(2)
    .WithReference(redis).WaitFor(redis)
    .WithReference(ledger).WaitFor(ledger)
    .WithHttpHealthCheck("/health");

builder.AddProject<Projects.Sample_Service>("gateway")
    .WithReference(api).WaitFor(api)
    .WithEnvironment("PLAIN", "on")
    .WithEnvironment("CACHE_ADDRESS", $"redis://{redis.Resource.Host}:{redis.Resource.Port}/0")
    .WithArgs("--greeting", "hello world")
    .WithEndpoint("http", e => e.Port = builder.Configuration.GetValue<int?>("Gateway:Port"))
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health");

builder.Build().Run();
