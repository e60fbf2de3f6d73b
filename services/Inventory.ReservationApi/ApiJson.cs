using System.Text.Json.Serialization;
using Inventory.Ledger;
using Inventory.ReservationApi.Availability;
using Inventory.ReservationApi.Carts;
using Inventory.ReservationApi.Confirmation;
using Inventory.ReservationApi.Operations;
using Inventory.ReservationApi.Orders;
using Inventory.ReservationApi.Payments;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Products;
using Inventory.ReservationApi.Queue;
using Inventory.ReservationApi.Reservations;

namespace Inventory.ReservationApi;

/// <summary>
/// All JSON of this API, generated at build time. Strict: a number in quotes is no number, and a field that is given
/// twice is refused, since two readers might disagree on which one counts. The cart interface spells its names itself,
/// in snake_case.
/// </summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    NumberHandling = JsonNumberHandling.Strict,
    AllowDuplicateProperties = false)]
[JsonSerializable(typeof(Refusal))]
[JsonSerializable(typeof(Reserve.Request), TypeInfoPropertyName = "ReserveRequest")]
[JsonSerializable(typeof(Reserve.Response), TypeInfoPropertyName = "ReserveResponse")]
[JsonSerializable(typeof(ReserveBatch.Request), TypeInfoPropertyName = "ReserveBatchRequest")]
[JsonSerializable(typeof(ReserveBatch.Response), TypeInfoPropertyName = "ReserveBatchResponse")]
[JsonSerializable(typeof(ReservationView))]
[JsonSerializable(typeof(ExtendReservation.Request), TypeInfoPropertyName = "ExtendReservationRequest")]
[JsonSerializable(typeof(ConfirmReservation.Request), TypeInfoPropertyName = "ConfirmReservationRequest")]
[JsonSerializable(typeof(OrderView))]
[JsonSerializable(typeof(CancelOrder.Request), TypeInfoPropertyName = "CancelOrderRequest")]
[JsonSerializable(typeof(ReceivePayment.Request), TypeInfoPropertyName = "ReceivePaymentRequest")]
[JsonSerializable(typeof(ReceivePayment.Response), TypeInfoPropertyName = "ReceivePaymentResponse")]
[JsonSerializable(typeof(ShowStock.Response), TypeInfoPropertyName = "ShowStockResponse")]
[JsonSerializable(typeof(ReserveForCart.Request), TypeInfoPropertyName = "ReserveForCartRequest")]
[JsonSerializable(typeof(ExtendForCart.Request), TypeInfoPropertyName = "ExtendForCartRequest")]
[JsonSerializable(typeof(ReleaseForCart.Request), TypeInfoPropertyName = "ReleaseForCartRequest")]
[JsonSerializable(typeof(CartHold))]
[JsonSerializable(typeof(CommitForCart.Request), TypeInfoPropertyName = "CommitForCartRequest")]
[JsonSerializable(typeof(CartOrder))]
[JsonSerializable(typeof(CartSnapshot.Response), TypeInfoPropertyName = "CartSnapshotResponse")]
[JsonSerializable(typeof(ListEvents.Response), TypeInfoPropertyName = "ListEventsResponse")]
[JsonSerializable(typeof(ProductView))]
[JsonSerializable(typeof(PutProduct.Request), TypeInfoPropertyName = "PutProductRequest")]
[JsonSerializable(typeof(AdjustStock.Request), TypeInfoPropertyName = "AdjustStockRequest")]
[JsonSerializable(typeof(MovementView))]
[JsonSerializable(typeof(ListMovements.Response), TypeInfoPropertyName = "ListMovementsResponse")]
[JsonSerializable(typeof(ProductState))]
[JsonSerializable(typeof(TicketView))]
[JsonSerializable(typeof(ShowRedis.Response), TypeInfoPropertyName = "ShowRedisResponse")]
[JsonSerializable(typeof(ShowCache.Response), TypeInfoPropertyName = "ShowCacheResponse")]
[JsonSerializable(typeof(ShowGuard.Response), TypeInfoPropertyName = "ShowGuardResponse")]
[JsonSerializable(typeof(SwitchGuard.Request), TypeInfoPropertyName = "SwitchGuardRequest")]
[JsonSerializable(typeof(GuardSwitch))]
[JsonSerializable(typeof(DeadLetterView))]
[JsonSerializable(typeof(ListDeadLetters.Response), TypeInfoPropertyName = "ListDeadLettersResponse")]
[JsonSerializable(typeof(ReplayDeadLetters.Response), TypeInfoPropertyName = "ReplayDeadLettersResponse")]
[JsonSerializable(typeof(AuditRunView))]
[JsonSerializable(typeof(ShowReconciliation.Response), TypeInfoPropertyName = "ShowReconciliationResponse")]
internal sealed partial class ApiJson : JsonSerializerContext;
