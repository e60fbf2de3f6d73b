using Inventory.ExpirationWorker;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddRedisClient("redis", configureOptions: StockServices.ReconnectSoon);
builder.Services.AddStockEngine();

builder.Services.AddOptions<ExpirationOptions>()
    .BindConfiguration(ExpirationOptions.Section, bind => bind.ErrorOnUnknownConfiguration = true)
    .ValidateDataAnnotations()
    .ValidateOnStart();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<ExpirationMetrics>();
builder.Services.AddHostedService<HoldExpirer>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
