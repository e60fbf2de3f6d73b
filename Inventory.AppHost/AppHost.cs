using Inventory.AppHost;
using Inventory.AppHost.Operations;
using Inventory.AppHost.Orchestration;

var builder = DistributedApplication.CreateBuilder(
    new DistributedApplicationOptions { Args = args, AllowUnsecuredTransport = true });
var settings = RunSettings.Read(builder, args);
var stores = new Stores(builder, settings);

// Redis decides, and PostgreSQL is the system of record.
var redis = stores.AddRedis("redis");
var ledger = stores.AddLedger("ledger");

// A service waits only for what it can't start without: every service survives an outage of either store, also at its
// start.
var reconciliation = builder.AddProject<Projects.Inventory_ReconciliationWorker>("reconciliation-worker")
    .WithReference(redis)
    .WithReference(ledger).WaitFor(ledger)
    .WithIconName("ArrowSyncCheckmark");

var materializer = builder.AddProject<Projects.Inventory_Materializer>("materializer")
    .WithReference(redis)
    .WithReference(ledger)
    .WithIconName("DatabaseArrowDown");

builder.AddProject<Projects.Inventory_ExpirationWorker>("expiration-worker")
    .WithReference(redis)
    .WithIconName("TimerOff");

var api = builder.AddProject<Projects.Inventory_ReservationApi>("reservation-api")
    .WithReplicas(settings.Replicas)
    .WithReference(redis)
    .WithReference(ledger)
    .WithIconName("Cart");

var gateway = builder.AddProject<Projects.Inventory_Gateway>("gateway")
    .WithReference(redis)
    .WithReplicasOf(api)
    .WithExternalHttpEndpoints()
    .WithUrlForEndpoint("http", url => url.DisplayText = "Gateway")
    .WithUrlForEndpoint("http", _ => new() { Url = "/docs", DisplayText = "API docs" })
    .WithIconName("DoorArrowRight");

// Only in local runs: a second gateway, shoppers, and an operator's commands.
if (builder.ExecutionContext.IsRunMode)
{
    builder.AddProject<Projects.Inventory_Gateway>("gateway-2")
        .WithReference(redis)
        .WithReplicasOf(api)
        .WithParentRelationship(gateway)
        .WithIconName("DoorArrowRight")
        .WithExplicitStart();

    var shoppers = builder.AddProject<Projects.Inventory_Load>("shoppers")
        .WithArgs("shoppers", "8")
        .WithReference(gateway)
        .WithReference(redis)
        .WithReference(ledger)
        .WithIconName("People")
        .WithExplicitStart();

    var operations = new OperatorApi(gateway.GetEndpoint("http"));
    redis.WithRebuild().WithAccidents();
    reconciliation.WithAudits(operations);
    materializer.WithReplay(operations);
    gateway.WithFlashSale(shoppers, redis, ledger).WithSaleSwitches(operations);
}

builder.ConfigureServices(settings);
builder.ConfigurePublishing(api, gateway);
builder.Build().Run();
