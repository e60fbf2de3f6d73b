namespace Inventory.Gateway;

/// <summary>How many connections or streams are open, by the caller that they belong to, each within a bound.</summary>
internal sealed class OpenCounts
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, int> open = new(StringComparer.Ordinal);

    /// <summary>Counts one more, unless the bound is reached.</summary>
    /// <param name="key">The caller. Null is not counted, and has no bound.</param>
    /// <param name="most">The bound.</param>
    public bool TryEnter(string? key, int most)
    {
        if (key is null) return true;
        lock (gate)
        {
            var count = open.GetValueOrDefault(key);
            if (count >= most) return false;
            open[key] = count + 1;
            return true;
        }
    }

    /// <summary>Counts one less, after a successful <see cref="TryEnter"/>.</summary>
    public void Leave(string? key)
    {
        if (key is null) return;
        lock (gate)
        {
            if (open[key] == 1) open.Remove(key);
            else open[key]--;
        }
    }
}
