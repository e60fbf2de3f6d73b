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
using Inventory.ReservationApi.Stores;
using Inventory.ServiceDefaults.Draining;
using Inventory.ServiceDefaults.Overload;
using Inventory.Stock;

var builder = WebApplication.CreateBuilder(args);
builder.AddServiceDefaults();
builder.AddDraining();
builder.AddLoadShedding();
builder.AddStores();
builder.AddProblems();
builder.AddAccess();
builder.AddRequests();
builder.AddReservations();
builder.AddConfirmation();
builder.AddQueue();
builder.AddAvailability();
builder.AddPayments();
builder.AddProducts();
builder.AddOperations();
builder.AddDescription();

var app = builder.Build();
app.UseHeadRequests();
app.UseDraining();
app.UseLoadShedding(Failures.DescribeShed());
app.UseProblems();
app.UseAccess();

app.MapDefaultEndpoints();
app.MapDescription();
app.MapProblems();
app.MapReservations();
app.MapConfirmation();
app.MapQueue();
app.MapAvailability();
app.MapPayments();
app.MapOrders();
app.MapProducts();
app.MapOperations();
app.MapCarts();

// StockStores connects when it is created: create it now, so that the first request doesn't wait for it.
app.Services.GetRequiredService<StockStores>();
app.Run();
