using System.Globalization;
using Inventory.Contracts;
using Inventory.Ledger;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Problems;
using Inventory.ReservationApi.Requests;
using Microsoft.EntityFrameworkCore;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/dead-letters/{id}: one event that could not be stored, and why.</summary>
public static class ShowDeadLetter
{
    internal const string Path = ListDeadLetters.Path + "/{id}";

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, Handle)
        .WithName(nameof(ShowDeadLetter))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Read one event that could not be stored")
        .WithDescription("The event as it was in the stream, and what its last attempt failed with.")
        .Answers<DeadLetterView>(StatusCodes.Status200OK, "The dead letter.")
        .Refuses(Problem.DeadLetterNotFound, Problem.LedgerUnavailable);

    internal static Task<IResult> Handle(HttpContext http, string id, LedgerContext context) =>
        ReadId(id) is { } key ? AnswerAsync(http, key, context) : Task.FromResult<IResult>(NotFound(id));

    /// <summary>The letter's number; null when no letter can have this one.</summary>
    internal static long? ReadId(string id) =>
        long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var key) ? key : null;

    internal static Refusal NotFound(string id) =>
        Refusal.Of(Problem.DeadLetterNotFound, $"There is no dead letter {id}.");

    /// <summary>The letter as it is now, or that there is none.</summary>
    internal static async Task<IResult> AnswerAsync(HttpContext http, long id, LedgerContext context)
    {
        var letter = await LedgerCalls.RunAsync(() => context.DeadLetters.AsNoTracking()
            .SingleOrDefaultAsync(letter => letter.Id == id, http.RequestAborted));
        return letter is null
            ? NotFound(id.ToString(CultureInfo.InvariantCulture))
            : JsonAnswer.Of(StatusCodes.Status200OK, new DeadLetterView(letter), ApiJson.Default.DeadLetterView);
    }
}
