using Inventory.Materializer;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddRedisClient("redis", configureOptions: StockServices.ReconnectSoon);
builder.AddNpgsqlDataSource("ledger");
builder.Services.AddStockEngine();

builder.Services.AddOptions<MaterializerOptions>()
    .BindConfiguration(MaterializerOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
    .ValidateDataAnnotations()
    .Validate(MaterializerOptions.LeaseOutlivesPolls, MaterializerOptions.LeaseOutlivesPollsRule)
    .ValidateOnStart();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<MaterializerMetrics>();
builder.Services.AddSingleton<Outage>();
builder.Services.AddSingleton<BatchWriter>();
builder.Services.AddHostedService<StreamMaterializer>();
builder.Services.AddHealthChecks().AddCheck<OutageCheck>("materializer");

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
