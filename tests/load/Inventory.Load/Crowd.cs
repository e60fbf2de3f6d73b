namespace Inventory.Load;

/// <summary>Many who do the same, some at once.</summary>
internal static class Crowd
{
    /// <summary>Does something for each number from 0, with so many under way at once.</summary>
    public static Task EachAsync(int count, int atOnce, Func<int, Task> act)
    {
        var number = -1;
        return Task.WhenAll(Enumerable.Range(0, atOnce).Select(_ => Task.Run(async () =>
        {
            for (int mine; (mine = Interlocked.Increment(ref number)) < count;) await act(mine);
        })));
    }
}
