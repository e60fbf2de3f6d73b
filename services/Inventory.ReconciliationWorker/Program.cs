using Inventory.Ledger;
using Inventory.ReconciliationWorker;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddRedisClient("redis");
builder.AddNpgsqlDbContext<LedgerContext>("ledger");
builder.Services.AddStockEngine();

builder.Services.AddOptions<ReconciliationOptions>()
    .BindConfiguration(ReconciliationOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
    .ValidateDataAnnotations()
    .ValidateOnStart();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddScoped<LedgerMigration>();
builder.Services.AddScoped<StockLevels>();
builder.Services.AddSingleton<StockLoader>();
builder.Services.AddHostedService(services => services.GetRequiredService<StockLoader>());
builder.Services.AddHealthChecks().AddCheck<StockLoadedCheck>("stock-loaded");

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
