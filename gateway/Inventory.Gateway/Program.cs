using Inventory.Gateway;
using Inventory.Gateway.BotGuard;
using Inventory.Gateway.Proxying;
using Inventory.Gateway.RateLimiting;
using Inventory.Gateway.Sessions;
using Inventory.ServiceDefaults.Draining;
using Inventory.ServiceDefaults.Overload;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddGatewayProblems();
builder.AddDraining();
builder.AddLoadShedding();
builder.AddGatewayLimits();
builder.AddTrustedProxies();
builder.AddKnownTraces();
builder.AddRateLimiting();
builder.AddSessions();
builder.AddBotGuard();
builder.AddProxying();

var app = builder.Build();

// The order matters: an early refusal costs little, and client headers are cleaned before admission trusts any.
app.UseGatewayProblems();
app.UseMiddleware<RequestFraming>();
app.UseDraining();
app.UseForwardedHeaders();
app.UseMiddleware<OutsideHeaders>();
app.UseMiddleware<RequestArrival>();
app.UseLoadShedding(GatewayProblem.TemporaryReducedCapacity.ToJson());
app.UseMiddleware<StreamTurns>();
app.UseMiddleware<AdmissionControl>();
app.UseMiddleware<OpenStreams>();
app.UseRequestTimeouts();
app.UseMiddleware<BotGuardMiddleware>();

app.MapDefaultEndpoints();
app.MapGet("/", () => Results.Redirect("/docs"));
app.MapSessions();
app.MapBotGuard();
app.MapProxying();

app.Run();
