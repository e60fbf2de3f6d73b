using Inventory.Contracts;
using Inventory.ReservationApi.Access;
using Inventory.ReservationApi.Description;
using Inventory.ReservationApi.Requests;

namespace Inventory.ReservationApi.Operations;

/// <summary>GET /api/operations/guard: what the gateways' bot guard has tightened, and why.</summary>
public static class ShowGuard
{
    internal const string Path = OperationsFeature.Path + "/guard";

    /// <summary>The guard as all gateways know it.</summary>
    public sealed record Response
    {
        /// <summary>What the guard has tightened now, the latest first.</summary>
        public required IReadOnlyList<TightenedSubject> Tightened { get; init; }

        /// <summary>SKUs that an operator has switched on or off.</summary>
        public required IReadOnlyList<GuardSwitch> Switched { get; init; }

        /// <summary>Challenges, counted since Redis last lost its data.</summary>
        public required GuardChallenges Challenges { get; init; }

        /// <summary>The latest events, newest first.</summary>
        public required IReadOnlyList<GuardEvent> Recent { get; init; }
    }

    internal static void Map(IEndpointRouteBuilder routes) => routes.MapGet(Path, Handle)
        .WithName(nameof(ShowGuard))
        .WithTags("Operations")
        .OnlyFor(Scopes.Admin)
        .WithSummary("Look at the guard")
        .WithDescription("Where units are taken faster than people take them, each shopper needs a proof of work and "
            + "has one attempt in some seconds. Shows what is tightened since when, until when and after how many "
            + "units, what operators have switched, and the latest events.")
        .Answers<Response>(StatusCodes.Status200OK, "The guard as all gateways know it.")
        .Refuses();

    internal static async Task<IResult> Handle(GuardRecord guard) =>
        JsonAnswer.Of(StatusCodes.Status200OK, await guard.ReadAsync(), ApiJson.Default.ShowGuardResponse);
}

/// <summary>Something that is tightened.</summary>
/// <param name="Kind">sku, session or address.</param>
/// <param name="Name">Which one: a SKU, a session's subject, or a network address.</param>
/// <param name="Since">When it was tightened, UTC.</param>
/// <param name="Until">When it relaxes, UTC, unless more units are taken.</param>
/// <param name="Units">Units that were taken within the guard's window when the threshold was last exceeded.</param>
public sealed record TightenedSubject(string Kind, string Name, DateTime Since, DateTime Until, long Units);

/// <summary>What an operator has decided about a SKU.</summary>
/// <param name="Sku">The SKU.</param>
/// <param name="Mode">on: tightened; off: never tightened; automatic: the guard decides.</param>
/// <param name="Since">Since when, UTC.</param>
/// <param name="By">The operator's key.</param>
/// <param name="Reason">The operator's reason.</param>
public sealed record GuardSwitch(string Sku, string Mode, DateTime Since, string By, string Reason);

/// <summary>Numbers of challenges.</summary>
/// <param name="Issued">Issued to shoppers.</param>
/// <param name="Solved">Solutions that were accepted.</param>
/// <param name="Refused">Requests without a solution, or with one that is not valid.</param>
public sealed record GuardChallenges(long Issued, long Solved, long Refused);

/// <summary>An event of the guard.</summary>
/// <param name="At">When it happened, UTC, by Redis' clock.</param>
/// <param name="Event">tightened, relaxed, switched on, switched off or switched automatic.</param>
/// <param name="Kind">sku, session or address.</param>
/// <param name="Name">Which SKU, session or address.</param>
public sealed record GuardEvent(DateTime At, string Event, string Kind, string Name)
{
    /// <summary>Units that were taken; absent for a switch.</summary>
    public long? Units { get; init; }

    /// <summary>For a switch: the operator's key.</summary>
    public string? By { get; init; }

    /// <summary>The reason that the operator gave for switching the guard; absent for other events.</summary>
    public string? Reason { get; init; }
}
