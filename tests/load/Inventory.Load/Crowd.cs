namespace Inventory.Load;

/// <summary>Runs one action many times with limited concurrency.</summary>
internal static class Crowd
{
    /// <summary>Runs the action for each number from 0 to count, with at most atOnce running at a time.</summary>
    public static Task EachAsync(int count, int atOnce, Func<int, Task> act)
    {
        var number = -1;
        return Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            for (int mine; (mine = Interlocked.Increment(ref number)) < count;) await act(mine);
        })));
    }
}
