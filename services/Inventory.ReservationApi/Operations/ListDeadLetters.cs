using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;
using Microsoft.EntityFrameworkCore;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/dead-letters: events that could not be stored, oldest first.</summary>
public static class ListDeadLetters
{
    internal const string Path = OperationsFeature.Path + "/dead-letters";

    private const int DefaultLimit = 50;

    // A letter has its event and its error, at most some 4 KB.
    private const int MaxLimit = 200;

    /// <summary>Some dead letters.</summary>
    /// <param name="DeadLetters">Oldest first.</param>
    /// <param name="NextAfter">The value of after for the next page; absent on the last page.</param>
    public sealed record Response(IReadOnlyList<DeadLetterView> DeadLetters, long? NextAfter);

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, Handle)
        .WithName(nameof(ListDeadLetters))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Read the events that could not be stored")
        .WithDescription("Oldest first. state is open (when absent), resolved or all. limit is 1 to 200, and 50 when "
            + "absent; after is nextAfter of the previous page.")
        .TakesQuery("limit", DefaultLimit, 1, MaxLimit)
        .Answers<Response>(StatusCodes.Status200OK, "The dead letters.")
        .Refuses(Problem.LedgerUnavailable);

    internal static async Task<IResult> Handle(
        HttpContext http, string? state, string? after, LedgerContext context)
    {
        var errors = new FieldErrors();
        var limit = (int)IncomingQuery.ReadNumber(http, "limit", DefaultLimit, MaxLimit, ref errors);
        var begin = IncomingQuery.ReadNumber(http, nameof(after), 0, long.MaxValue, ref errors);
        var letters = context.DeadLetters.AsNoTracking().Where(letter => letter.Id > begin);
        switch (state)
        {
            case null or "open": letters = letters.Where(letter => letter.ResolvedAt == null); break;
            case "resolved": letters = letters.Where(letter => letter.ResolvedAt != null); break;
            case "all": break;
            default: errors.Add(nameof(state), "must be open, resolved or all"); break;
        }
        if (errors.ToRefusal() is { } invalid) return invalid;

        var found = await LedgerCalls.RunAsync(
            () => letters.OrderBy(letter => letter.Id).Take(limit + 1).ToListAsync(http.RequestAborted));
        var page = found.Take(limit).Select(letter => new DeadLetterView(letter)).ToList();
        var next = found.Count > limit ? page[^1].Id : (long?)null;
        return JsonAnswer.Of(
            StatusCodes.Status200OK, new Response(page, next), ApiJson.Default.ListDeadLettersResponse);
    }
}
