namespace Aspire.Hosting.Processes;

/// <summary>How the process of a resource is started. The server packages add one, and so does AddProject.</summary>
/// <param name="PlanAsync">Prepares a start; called again before every restart.</param>
/// <param name="Check">Called before anything starts; throws when a start can't succeed.</param>
internal sealed record LaunchAnnotation(
    Func<LaunchContext, CancellationToken, Task<ProcessPlan>> PlanAsync, Action<IServiceProvider> Check)
    : IResourceAnnotation;

/// <summary>What a resource without a process does once its parent is healthy, such as creating a database.</summary>
internal sealed record PresenceAnnotation(Func<CancellationToken, Task> EnsureAsync) : IResourceAnnotation;

/// <summary>An end of the process is no crash.</summary>
internal sealed record RunsOnceAnnotation : IResourceAnnotation;

/// <summary>A variable that gets the port of an endpoint.</summary>
internal sealed record PortVariableAnnotation(EndpointAnnotation Endpoint, string Variable) : IResourceAnnotation;

/// <summary>One start of one replica.</summary>
/// <param name="Resource">The resource.</param>
/// <param name="Replica">0 for the first.</param>
/// <param name="Suffix">Eight letters that tell replicas apart.</param>
/// <param name="Arguments">The arguments of WithArgs.</param>
/// <param name="Environment">The variables of WithEnvironment and WithReference.</param>
/// <param name="Services">The AppHost's services.</param>
internal sealed record LaunchContext(
    IResource Resource,
    int Replica,
    string Suffix,
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    IServiceProvider Services);

/// <summary>A process to be started.</summary>
/// <param name="FileName">The program's path.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="WorkingDirectory">The folder it starts in.</param>
internal sealed record ProcessPlan(string FileName, IReadOnlyList<string> Arguments, string WorkingDirectory)
{
    /// <summary>Variables on top of the AppHost's own.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary>The account it runs under; the AppHost's when null.</summary>
    public string? Account { get; init; }

    /// <summary>Asks it to end.</summary>
    public Signal StopSignal { get; init; } = Signal.Terminate;

    /// <summary>Sent by the kernel when the AppHost dies without a chance to stop anything.</summary>
    public Signal DeathSignal { get; init; } = Signal.Kill;

    /// <summary>Makes a reader that tells chatter from news.</summary>
    public Func<OutputReader> Output { get; init; } = () => new OutputReader();
}

/// <summary>Whether the application runs for a person or for a test.</summary>
/// <param name="IsTest">Tests get random ports, temporary folders and no console.</param>
/// <param name="AppHostDirectory">The folder of the AppHost project.</param>
internal sealed record RunMode(bool IsTest, string AppHostDirectory);
