using Inventory.History;
using Inventory.Stock;
using StackExchange.Redis;

namespace Inventory.Materializer.Tests;

/// <summary>An event that can't be stored becomes a dead letter and can be replayed when its cause is gone.</summary>
[Collection(OneServer.Name)]
public sealed class DeadLetterTests(Postgres postgres)
{
    private static readonly NameValueEntry[] Whole =
    [
        new("type", "reserved"), new("reservation", "AAAAAAAAAAAAAAAAAAAAAA"), new("sequence", 1),
        new("holder", "u:somebody"), new("deadline_ms", 1_900_000_000_000), new("lines", "sku-1:1"), new("trace", ""),
    ];

    public static TheoryData<string, string?> Broken => new()
    {
        { "type", null }, { "type", "teleported" }, { "reservation", "short" }, { "reservation", "" },
        { "sequence", "0" }, { "sequence", "one" }, { "sequence", "99999999999999" }, { "holder", "" },
        { "holder", "nobody" }, { "deadline_ms", "0" }, { "deadline_ms", "9223372036854775807" }, { "lines", "" },
        { "lines", "sku-1" }, { "lines", "sku-1:0" }, { "lines", "sku-1:x" }, { "lines", null }, { "trace", "\0" },
    };

    [Fact]
    public async Task Events_with_broken_fields_become_dead_letters_while_others_are_stored()
    {
        await using var world = await World.StartAsync(postgres.Server);
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        var load = new Shopping(world, seed: 1).RunAsync(1_000);
        var ids = new List<string>();
        foreach (var row in Broken)
        {
            var (field, value) = ((string)row[0], (string?)row[1]);
            var entry = Whole.Where(pair => pair.Name != field);
            if (value is not null) entry = entry.Append(new(field, value));
            ids.Add((await world.Database.StreamAddAsync(new Partition(0).Events, [.. entry]))!);
        }

        await load;
        await world.UntilStoredAsync();

        Assert.Equal(
            ids.Order(StringComparer.Ordinal),
            (await world.RowsAsync("SELECT stream_id FROM dead_letters")).Order(StringComparer.Ordinal));
        Assert.Equal(0L, await world.ReadAsync<long>("SELECT count(*) FROM dead_letters WHERE length(error) < 10"));
        Assert.Equal(ids.Count, instance.Figure("dead_letters"));
        await world.AssertSameHoldsAsync();
        Assert.Equal(0, instance.Figure("missing"));
        var id = await world.ReadAsync<long>("SELECT min(id) FROM dead_letters");
        Assert.Equal(ReplayOutcome.StillFailing, (await instance.DeadLetters.ReplayAsync(id, default)).Outcome);
        Assert.Equal(2, await world.ReadAsync<int>($"SELECT attempts FROM dead_letters WHERE id = {id}"));
    }

    [Fact]
    public async Task A_replay_succeeds_once_the_cause_is_gone_and_never_reverts_a_reservation()
    {
        await using var world = await World.StartAsync(postgres.Server);
        await world.ExecuteAsync(
            "ALTER TABLE reservation_events ADD CONSTRAINT unloved CHECK (holder <> 'u:poison' OR type = 'released')");
        var instance = await world.StartInstanceAsync(new() { KeepEvents = 1_000_000 });
        await world.Engine.Levels.SetStockAsync(new("sku-0", 1_000, 1, null, false));
        var load = new Shopping(world, seed: 1).RunAsync(500);
        var reservation = Guid.NewGuid();
        await world.Engine.Holds.ReserveAsync(new()
        {
            Id = reservation,
            Holder = Holder.Customer("poison"),
            Lines = [new("sku-0", 1)],
            HoldFor = TimeSpan.FromMinutes(10),
        });
        await world.Engine.Holds.ExtendAsync(reservation, TimeSpan.FromMinutes(1), null);
        await world.Engine.Holds.ReleaseAsync(reservation, null);
        await load;
        await world.UntilStoredAsync();
        var state = $"SELECT status, sequence FROM reservations WHERE reservation_id = '{reservation}'";
        var audit = $"SELECT sequence FROM reservation_events WHERE reservation_id = '{reservation}' ORDER BY sequence";
        Assert.Equal(["released|3"], await world.RowsAsync(state));
        Assert.Equal(["3"], await world.RowsAsync(audit));
        Assert.Equal(2, instance.Figure("missing"));
        Assert.Equal(1, instance.Log.Count("2 events are missing"));

        var letters = (await world.RowsAsync("SELECT id FROM dead_letters ORDER BY id DESC")).ConvertAll(long.Parse);
        Assert.Equal(2, letters.Count);
        Assert.Equal(
            ReplayOutcome.StillFailing, (await instance.DeadLetters.ReplayAsync(letters[0], default)).Outcome);
        await world.ExecuteAsync("ALTER TABLE reservation_events DROP CONSTRAINT unloved");
        foreach (var letter in letters)
        {
            var both = await Task.WhenAll(
                instance.DeadLetters.ReplayAsync(letter, default), instance.DeadLetters.ReplayAsync(letter, default));
            Assert.Equal(
                [ReplayOutcome.Replayed, ReplayOutcome.AlreadyResolved],
                both.Select(answer => answer.Outcome).Order());
        }

        Assert.Equal(["released|3"], await world.RowsAsync(state));
        Assert.Equal(["1", "2", "3"], await world.RowsAsync(audit));
        Assert.Equal(0L, await world.ReadAsync<long>("SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL"));
        Assert.Equal(ReplayOutcome.NotFound, (await instance.DeadLetters.ReplayAsync(999_999, default)).Outcome);
        await world.AssertSameHoldsAsync();
    }
}
