using Inventory.Stock;

namespace Inventory.Crash.Tests;

/// <summary>Moves the deadline of one hold.</summary>
public static class Deadlines
{
    /// <summary>Moves the deadline of a confirming hold into the past.</summary>
    public static async Task EndDeadlineAsync(this Site site, Guid id)
    {
        const int Deadline = 3;
        var (key, redis) = (ReservationKey.Of(id), site.Redis.GetDatabase());
        var bucket = new Partition(0).HoldsOf(key);
        var text = ((string)(await redis.HashGetAsync(bucket, key))!).Split('\t');
        Assert.Equal("c", text[0]);
        text[Deadline] = "1";
        await redis.HashSetAsync(bucket, key, string.Join('\t', text));
    }
}
