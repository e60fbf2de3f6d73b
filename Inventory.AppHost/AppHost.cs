using Inventory.AppHost;
using Inventory.AppHost.Orchestration;

var builder = DistributedApplication.CreateBuilder(args);
var settings = RunSettings.Read(builder, args);
var stores = new Stores(builder, settings);

// Redis decides, and PostgreSQL is the system of record.
var redis = stores.AddRedis("redis");
var ledger = stores.AddLedger("ledger");

// A service waits only for what it can't start without: each of them outlives an outage of either store, so also one
// at its start.
var reconciliation = builder.AddProject<Projects.Inventory_ReconciliationWorker>("reconciliation-worker")
    .WithReference(redis)
    .WithReference(ledger).WaitFor(ledger);

builder.AddProject<Projects.Inventory_Materializer>("materializer")
    .WithReference(redis)
    .WithReference(ledger);

builder.AddProject<Projects.Inventory_ExpirationWorker>("expiration-worker")
    .WithReference(redis);

var api = builder.AddProject<Projects.Inventory_ReservationApi>("reservation-api")
    .WithReplicas(settings.Replicas)
    .WithReference(redis)
    .WithReference(ledger);

builder.AddProject<Projects.Inventory_Gateway>("gateway")
    .WithReference(redis)
    .WithReplicasOf(api)
    .WithExternalHttpEndpoints();

builder.ConfigureServices(settings);
builder.Build().Run();
