namespace Inventory.Load.Bench;

/// <summary>Lengths and numbers of the measurements.</summary>
/// <param name="Quick">Whether the run has to end within a few minutes.</param>
internal sealed record Plan(bool Quick)
{
    /// <summary>Rounds. Each has every load step once; every second round runs them in reverse order.</summary>
    public int Rounds => Quick ? 1 : 3;

    /// <summary>Maximum number of warm-up runs of a service.</summary>
    public int WarmUps => Quick ? 3 : 10;

    /// <summary>Length of one warm-up run.</summary>
    public TimeSpan WarmUp => TimeSpan.FromSeconds(Quick ? 1 : 2);

    /// <summary>Length of a load step.</summary>
    public TimeSpan Step => TimeSpan.FromSeconds(Quick ? 1 : 4);

    /// <summary>The numbers of connections that a step is measured with.</summary>
    public int[] Connections => Quick ? [Names.Compared] : [1, Names.Compared, 512];

    /// <summary>Longest wait for background work of the previous step.</summary>
    public TimeSpan LongestSettling => TimeSpan.FromSeconds(Quick ? 0.5 : 15);

    /// <summary>Requests of one redis-benchmark run.</summary>
    public int ScriptCalls => Quick ? 20_000 : 200_000;

    /// <summary>Holds that are due in the same second.</summary>
    public int DueHolds => 100_000;

    /// <summary>Sizes at which the bytes of a hold are measured.</summary>
    public int[] HoldCounts => Quick ? [100_000] : [100_000, 1_000_000];

    /// <summary>Length of the overload.</summary>
    public TimeSpan Overload => TimeSpan.FromSeconds(Quick ? 5 : 30);

    /// <summary>The resources that are killed under load.</summary>
    public string[] Victims =>
        Quick ? ["gateway", "redis"] : ["reservation-api", "gateway", "materializer", "postgres", "redis"];
}
