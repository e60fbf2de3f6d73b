using Inventory.ExpirationWorker;

var builder = WebApplication.CreateBuilder(args);

builder.AddServiceDefaults();
builder.AddRedisClient("redis", configureOptions: StockServices.ReconnectSoon);
builder.Services.AddStock();

builder.Services.AddValidatedOptions<ExpirationOptions>(ExpirationOptions.Section);
builder.Services.AddSingleton<ExpirationMetrics>();
builder.Services.AddHostedService<HoldExpirer>();

var app = builder.Build();
app.MapDefaultEndpoints();
app.Run();
