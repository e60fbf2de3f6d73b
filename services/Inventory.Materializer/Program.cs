using Inventory.Materializer;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddRedisClient("redis", configureOptions: StockServices.ReconnectSoon);
builder.AddNpgsqlDataSource("ledger");
builder.Services.AddStock();

builder.Services.AddValidatedOptions<MaterializerOptions>(MaterializerOptions.Section)
    .Validate(MaterializerOptions.LeaseOutlivesPolls, MaterializerOptions.LeaseOutlivesPollsRule);
builder.Services.AddSingleton<MaterializerMetrics>();
builder.Services.AddSingleton<Outage>();
builder.Services.AddSingleton<BatchWriter>();
builder.Services.AddHostedService<StreamMaterializer>();
builder.Services.AddHealthChecks().AddCheck<OutageCheck>("materializer");

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
