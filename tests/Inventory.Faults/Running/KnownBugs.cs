namespace Inventory.Faults.Running;

/// <summary>Plausible bugs, seeded so that the checker has something to find.</summary>
public static class KnownBugs
{
    /// <summary>A release returns the units of its hold twice.</summary>
    public const string ReleaseTwice = "a release that returns units twice";

    /// <summary>A confirming hold can be released or expire, because it gets no confirmation lease.</summary>
    public const string CommitWithoutPin = "a commit without pin";

    /// <summary>Some events are never stored.</summary>
    public const string ForgetfulMaterializer = "a materializer that skips events";

    /// <summary>All known bugs.</summary>
    public static IReadOnlyList<string> Names { get; } = [ReleaseTwice, CommitWithoutPin, ForgetfulMaterializer];

    // Skips one reservation in eight, by random bits of its id.
    private const string Forget =
        """
        CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER forget BEFORE INSERT ON reservation_events FOR EACH ROW
            WHEN (NEW.sequence > 1 AND get_byte(uuid_send(NEW.reservation_id), 15) < 32) EXECUTE FUNCTION forget();
        """;

    /// <summary>A product with some of the bugs.</summary>
    /// <param name="names">Of <see cref="Names"/>.</param>
    public static SeededBug Make(params string[] names)
    {
        var bug = new SeededBug
        {
            Name = string.Join(", ", names),
            Sql = names.Contains(ForgetfulMaterializer) ? Forget : null,
        };
        if (names.Contains(ReleaseTwice))
        {
            bug.Change(
                "release.lua",
                "end_hold(id, hold, 'r', 'released')",
                """
                end_hold(id, hold, 'r', 'released')
                for _, line in ipairs(hold.lines) do
                  redis.call('HINCRBY', stock_key(line.sku), 'reserved', -line.quantity)
                end
                """);
        }

        if (names.Contains(CommitWithoutPin)) bug.Change("pin.lua", "hold.state = 'c'\n", "hold.state = 'p'\n");
        return bug;
    }
}
