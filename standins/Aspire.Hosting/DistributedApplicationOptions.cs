namespace Aspire.Hosting;

/// <summary>How an application is to be run.</summary>
public sealed class DistributedApplicationOptions
{
    /// <summary>Command-line arguments, which are configuration.</summary>
    public string[]? Args { get; set; }

    /// <summary>The assembly of the AppHost; the one that was started when null.</summary>
    public string? AssemblyName { get; set; }

    /// <summary>The folder of the AppHost project; the one the build wrote into the assembly when null.</summary>
    public string? ProjectDirectory { get; set; }

    /// <summary>There is no dashboard here; but without one, waiters fail when what they wait for has ended.</summary>
    public bool DisableDashboard { get; set; }

    /// <summary>Whether the lines of resources go to loggers of category application.Resources.name.</summary>
    public bool EnableResourceLogging { get; set; }

    /// <summary>A dashboard's setting.</summary>
    public bool AllowUnsecuredTransport { get; set; }
}

/// <summary>What an application is run for.</summary>
/// <param name="operation">Always Run here: publishing needs the real packages.</param>
public class DistributedApplicationExecutionContext(DistributedApplicationOperation operation)
{
    /// <summary>Run or Publish.</summary>
    public DistributedApplicationOperation Operation { get; } = operation;

    /// <summary>True here.</summary>
    public bool IsRunMode => Operation == DistributedApplicationOperation.Run;

    /// <summary>False here.</summary>
    public bool IsPublishMode => Operation == DistributedApplicationOperation.Publish;
}

/// <summary>What an application can be run for.</summary>
public enum DistributedApplicationOperation
{
    /// <summary>To start its resources.</summary>
    Run,

    /// <summary>To describe it for a deployment.</summary>
    Publish,
}

/// <summary>The application can't do what was asked, and the message says why.</summary>
public class DistributedApplicationException : Exception
{
    /// <summary>An error without a message.</summary>
    public DistributedApplicationException()
    {
    }

    /// <summary>An error that says why.</summary>
    public DistributedApplicationException(string message) : base(message)
    {
    }

    /// <summary>An error that says why, and what was behind it.</summary>
    public DistributedApplicationException(string message, Exception inner) : base(message, inner)
    {
    }
}
