using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.Stock;

namespace Inventory.ReservationApi.Queue;

/// <summary>The interface that a request was sent to. The numbers are stored in the table and never change.</summary>
internal enum IntentForm : short
{
    /// <summary>POST /api/reservations with items.</summary>
    Items = 0,

    /// <summary>POST /api/reservations in one line.</summary>
    OneLine = 1,

    /// <summary>POST /reserve.</summary>
    Cart = 2,
}

/// <summary>A request for a hold, which Redis decides now or from the queue.</summary>
/// <param name="Form">The interface that the request was sent to.</param>
/// <param name="Ask">The request. For a cart: its one line.</param>
/// <param name="IsClientsId">Whether the client chose the reservation's id.</param>
internal sealed record Intent(IntentForm Form, ReserveRequest Ask, bool IsClientsId)
{
    /// <summary>The path that the request was sent to.</summary>
    internal string Path => PathOf((short)Form);

    /// <summary>The path of a form that is stored in the queue.</summary>
    internal static string PathOf(short form) =>
        form == (short)IntentForm.Cart ? "/reserve" : Reservations.Reserve.Path;

    /// <summary>The request as a row of the queue.</summary>
    /// <param name="unsure">Whether Redis may have executed it already, or may still do so.</param>
    internal QueuedIntent ToRow(bool unsure) => new()
    {
        Form = (short)Form,
        ReservationId = Ask.Id,
        IsClientsId = IsClientsId,
        Holder = Ask.Holder.Text,
        Lines = LinesText.Write(Ask.Lines),
        HoldFor = Ask.HoldFor,
        OnExisting = (short)Ask.OnExisting,
        IdempotencyKey = Ask.Idempotency?.Key,
        Fingerprint = Ask.Idempotency?.Fingerprint,
        Unsure = unsure,
        Shopper = Ask.IsShopper ? Ask.Holder.Owner.Text : null,
    };

    internal static Intent Of(QueuedIntent row) => new(
        (IntentForm)row.Form,
        new()
        {
            Id = row.ReservationId,
            Holder = Holder.Parse(row.Holder),
            Lines = LinesText.Read(row.Lines),
            HoldFor = row.HoldFor,
            OnExisting = (OnExisting)row.OnExisting,
            IsShopper = row.Shopper is not null,
            Idempotency = row.IdempotencyKey is null ? null : Idempotency.Restore(row.IdempotencyKey, row.Fingerprint!),
        },
        row.IsClientsId);

    /// <summary>The SKUs of a row's lines, also where a quantity can't be read.</summary>
    internal static IEnumerable<string> SkusOf(string text) =>
        text.Split(',').Select(line => SkuText.Unescape(line.Split(':')[0]));
}
