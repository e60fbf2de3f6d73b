namespace Inventory.Load.Bench;

/// <summary>How long and how often is measured.</summary>
/// <param name="Quick">Whether a few minutes must do.</param>
internal sealed record Plan(bool Quick)
{
    /// <summary>Rounds in which every step of load comes once, in turn forwards and backwards.</summary>
    public int Rounds => Quick ? 1 : 3;

    /// <summary>Most runs before a service is taken for as fast as it gets.</summary>
    public int WarmUps => Quick ? 3 : 10;

    /// <summary>How long one of these takes.</summary>
    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 1 : 2);

    /// <summary>How long a step of load takes.</summary>
    public TimeSpan Step => TimeSpan.FromSeconds(Quick ? 1 : 4);

    /// <summary>With how many connections each.</summary>
    public int[] Connections => Quick ? [Names.Compared] : [1, Names.Compared, 512];

    /// <summary>Longest wait for what the step before left to do.</summary>
    public TimeSpan LongestSettling => TimeSpan.FromSeconds(Quick ? 0.5 : 15);

    /// <summary>Requests of one redis-benchmark.</summary>
    public int ScriptCalls => Quick ? 20_000 : 200_000;

    /// <summary>Holds that are due in the same second.</summary>
    public int DueHolds => 100_000;

    /// <summary>Sizes at which the bytes of a hold are measured.</summary>
    public int[] HoldCounts => Quick ? [100_000] : [100_000, 1_000_000];

    /// <summary>How long more comes than the machine can carry.</summary>
    public TimeSpan Overload => TimeSpan.FromSeconds(Quick ? 5 : 30);

    /// <summary>What is killed under load.</summary>
    public string[] Victims =>
        Quick ? ["gateway", "redis"] : ["reservation-api", "gateway", "materializer", "postgres", "redis"];
}
