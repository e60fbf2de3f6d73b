using Inventory.Gateway;
using Inventory.Gateway.Admission;
using Inventory.Gateway.Guarding;
using Inventory.Gateway.Proxying;
using Inventory.Gateway.Sessions;
using Inventory.ServiceDefaults.Draining;
using Inventory.ServiceDefaults.Overload;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddGatewayLimits();
builder.AddDraining();
builder.AddLoadShedding();
builder.AddTrustedProxies();
builder.AddFrontDoor();
builder.AddBotGuard();
builder.AddReservationApi();

var app = builder.Build();

// The order is a law: what is refused early costs little, and nothing below may believe a header that was not cleaned.
app.UseGatewayProblems();
app.UseDraining();
app.UseLoadShedding(GatewayProblem.TemporaryReducedCapacity.ToJson());
app.UseForwardedHeaders();
app.UseMiddleware<OutsideHeaders>();
app.UseMiddleware<BodyLimit>();
app.UseMiddleware<AdmissionControl>();
app.UseRequestTimeouts();
app.UseMiddleware<BotGuard>();

app.MapDefaultEndpoints();
app.MapGet("/", () => Results.Redirect("/docs"));
ShopperSession.Map(app);
ShowChallenge.Map(app);
app.MapReservationApi();

app.Run();
