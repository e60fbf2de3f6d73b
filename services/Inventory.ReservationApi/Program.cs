using Inventory.Ledger;
using Inventory.ReservationApi;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Availability;
using Inventory.ReservationApi.Carts;
using Inventory.ReservationApi.Confirmation;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Operations;
using Inventory.ReservationApi.Orders;
using Inventory.ReservationApi.Payments;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Products;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Requests;
using Inventory.ReservationApi.Reservations;
using Inventory.ServiceDefaults.Draining;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddDraining();
builder.AddLoadShedding();
var callTimeout = QueueServices.CallTimeout(builder.Configuration);
builder.AddRedisClient("redis", configureOptions: redis => StockConnection.Tune(redis, callTimeout));
builder.AddNpgsqlDataSource("ledger", LedgerConnection.Tune);
builder.AddNpgsqlDbContext<LedgerContext>("ledger", ProductRoutes.Tune);
builder.AddLedgerReader();
builder.Services.AddStock();
builder.Services.AddSettlement();
builder.Services.AddSingleton(TimeProvider.System);
builder.Services.AddSingleton<WebhookSignature>();
WebhookOptions.Register(builder.Services, builder.Environment);
builder.Services.AddWaitingQueue();
builder.Services.AddSingleton<ProductPublisher>();
OperationRoutes.Register(builder.Services);
builder.Services.AddSingleton(TimeProvider.System);
ReservationOptions.Register(builder.Services);
builder.Services.AddAccess();
LiveStock.Register(builder.Services);
ProductCache.Register(builder.Services);
builder.Services.AddSingleton<RedisReport>();
builder.Services.AddSingleton<GuardRecord>();
builder.Services.AddExceptionHandler<Failures>();
builder.Services.AddApiDescription();
builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = IncomingBody.MaxBytesTaken);

var app = builder.Build();
app.UseServerRefusals(Failures.DescribeUnread);
app.UseHeadRequests();
app.UseDraining();
app.UseLoadShedding(Failures.DescribeShed());
app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = Failures.AnswerBugAsync });
app.UseStatusCodePages(bare => Failures.FillBodyAsync(bare.HttpContext));
app.UseAccess();
app.MapDefaultEndpoints();
app.MapApiDescription();
ProblemPages.Map(app);

Reserve.Map(app);
ReserveBatch.Map(app);
FindReservation.Map(app);
ReleaseReservation.Map(app);
ExtendReservation.Map(app);
ConfirmReservation.Map(app);
ShowTicket.Map(app);
StreamTicket.Map(app);
CancelTicket.Map(app);
ShowStock.Map(app);
StreamStock.Map(app);

ReceivePayment.Map(app);
ShowOrder.Map(app);
CancelOrder.Map(app);

ProductRoutes.Map(app);
OperationRoutes.Map(app);

ShowCache.Map(app);
ShowRedis.Map(app);
ShowGuard.Map(app);
SwitchGuard.Map(app);

ReserveForCart.Map(app);
ExtendForCart.Map(app);
CommitForCart.Map(app);
ReleaseForCart.Map(app);
CartSnapshot.Map(app);
ListEvents.Map(app);

ReconciliationRoutes.Map(app);

// StockStores connects when it is created: create it now, so that the first request doesn't wait for it.
app.Services.GetRequiredService<StockStores>();
app.Run();
