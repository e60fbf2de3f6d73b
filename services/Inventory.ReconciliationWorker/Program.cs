using Inventory.Ledger;
using Inventory.ReconciliationWorker;
using Inventory.ReconciliationWorker.Audit;
using Inventory.ReconciliationWorker.Rebuild;
using Inventory.ReconciliationWorker.Retention;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
// Healthy means that stock is loaded. The loops themselves wait for outages to end, and log each outage once.
builder.AddRedisClient("redis", settings => settings.DisableHealthChecks = true, StockServices.ReconnectSoon);
builder.AddNpgsqlDbContext<LedgerContext>(
    "ledger", settings => (settings.DisableHealthChecks, settings.DisableRetry) = (true, true));
builder.AddNpgsqlDataSource("ledger", settings => settings.DisableHealthChecks = true);
builder.Services.AddStock();

builder.Services.AddValidatedOptions<ReconciliationOptions>(ReconciliationOptions.Section);
builder.Services.AddScoped<LedgerMigration>();
builder.Services.AddScoped<StockLevels>();
builder.Services.AddSingleton<ReconciliationMetrics>();
builder.Services.AddSingleton<StoreOutages>();
builder.Services.AddSingleton<StockWriter>();
builder.Services.AddSingleton<StockLoader>();
builder.Services.AddHostedService(services => services.GetRequiredService<StockLoader>());
builder.AddRebuild();
builder.Services.AddHostedService<ChangeCapture>();
builder.Services.AddSettlement();
builder.Services.AddSingleton<PinResolver>();
builder.Services.AddHostedService(services => services.GetRequiredService<PinResolver>());
AuditServices.Register(builder.Services);
builder.Services.AddHostedService<DecisionPruner>();
builder.AddRetention();
builder.Services.AddHealthChecks().AddCheck<StockLoadedCheck>("stock-loaded");

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
