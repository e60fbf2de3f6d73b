var builder = DistributedApplication.CreateBuilder(args);

// Redis decides. It never forgets a key by itself (noeviction), and writes every decision to its log before it answers.
var redis = builder.AddRedis("redis")
    .WithDataVolume("inventory-redis")
    .WithArgs("--appendonly", "yes", "--appendfsync", builder.Configuration["Redis:AppendFsync"] ?? "no")
    // What was logged since the last rewrite is read six times as slowly as what was rewritten, while nobody is served.
    .WithArgs("--auto-aof-rewrite-percentage", "50")
    .WithArgs("--maxmemory-policy", "noeviction");

// PostgreSQL remembers. Logical WAL lets a change made by plain SQL reach the shop window.
var postgres = builder.AddPostgres("postgres")
    .WithDataVolume("inventory-postgres")
    .WithArgs("-c", "wal_level=logical", "-c", "max_slot_wal_keep_size=2GB");
var ledger = postgres.AddDatabase("ledger");

var reconciliation = builder.AddProject<Projects.Inventory_ReconciliationWorker>("reconciliation-worker")
    .WithReference(redis).WaitFor(redis)
    .WithReference(ledger).WaitFor(ledger)
    .WithHttpHealthCheck("/health");

builder.AddProject<Projects.Inventory_Materializer>("materializer")
    .WithReference(redis).WaitFor(redis)
    .WithReference(ledger).WaitFor(reconciliation)
    .WithHttpHealthCheck("/health");

builder.AddProject<Projects.Inventory_ExpirationWorker>("expiration-worker")
    .WithReference(redis).WaitFor(redis)
    .WithHttpHealthCheck("/health");

var api = builder.AddProject<Projects.Inventory_ReservationApi>("reservation-api")
    .WithReplicas(2)
    .WithReference(redis).WaitFor(redis)
    .WithReference(ledger).WaitFor(reconciliation)
    .WithHttpHealthCheck("/health");

var gateway = builder.AddProject<Projects.Inventory_Gateway>("gateway")
    .WithReference(redis).WaitFor(redis)
    .WithReference(api).WaitFor(api)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health");

// A local run has demo keys. Whoever deploys is asked for the SHA-256 of the keys that may call, and for
// what their payment provider signs with.
if (builder.ExecutionContext.IsPublishMode)
{
    var adminKey = builder.AddParameter("admin-key-hash", secret: true);
    var backendKey = builder.AddParameter("backend-key-hash", secret: true);
    api.WithEnvironment("Payments__WebhookSecrets__0", builder.AddParameter("webhook-secret", secret: true));
    foreach (var service in new[] { api, gateway })
    {
        service.WithEnvironment("ApiKeys__0__Name", "admin").WithEnvironment("ApiKeys__0__Hash", adminKey)
            .WithEnvironment("ApiKeys__0__Scopes__0", "admin")
            .WithEnvironment("ApiKeys__1__Name", "backend").WithEnvironment("ApiKeys__1__Hash", backendKey)
            .WithEnvironment("ApiKeys__1__Scopes__0", "reserve").WithEnvironment("ApiKeys__1__Scopes__1", "confirm");
    }
}

builder.Build().Run();
