var builder = DistributedApplication.CreateBuilder(args);

// Redis decides. It never forgets a key by itself (noeviction), and writes every decision to its log.
var redis = builder.AddRedis("redis")
    .WithDataVolume("inventory-redis")
    .WithArgs("--appendonly", "yes", "--appendfsync", builder.Configuration["Redis:AppendFsync"] ?? "everysec")
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

builder.AddProject<Projects.Inventory_Gateway>("gateway")
    .WithReference(redis).WaitFor(redis)
    .WithReference(api).WaitFor(api)
    .WithExternalHttpEndpoints()
    .WithHttpHealthCheck("/health");

builder.Build().Run();
