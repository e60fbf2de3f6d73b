using System.Collections.Immutable;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>What is known of one replica of a resource at one moment.</summary>
public sealed record CustomResourceSnapshot
{
    /// <summary>Project, Container, Executable and so on.</summary>
    public required string ResourceType { get; init; }

    /// <summary>Facts by name; <c>executable.pid</c> is the process id while there is a process.</summary>
    public required ImmutableArray<ResourcePropertySnapshot> Properties { get; init; }

    /// <summary>One of <see cref="KnownResourceStates"/>.</summary>
    public ResourceStateSnapshot? State { get; init; }

    /// <summary>Null unless running.</summary>
    public HealthStatus? HealthStatus { get; internal init; }

    /// <summary>The code of the last exit, 128 + n for signal n.</summary>
    public int? ExitCode { get; init; }

    /// <summary>The addresses it listens on.</summary>
    public ImmutableArray<UrlSnapshot> Urls { get; init; } = [];
}

/// <summary>A fact about a replica.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value.</param>
public sealed record ResourcePropertySnapshot(string Name, object? Value);

/// <summary>An address of a replica.</summary>
/// <param name="Name">The endpoint's name.</param>
/// <param name="Url">The address.</param>
/// <param name="IsInternal">Whether it is hidden from people.</param>
public sealed record UrlSnapshot(string? Name, string Url, bool IsInternal);

/// <summary>A state and how to show it.</summary>
/// <param name="Text">One of <see cref="KnownResourceStates"/>.</param>
/// <param name="Style">How a dashboard shows it.</param>
public sealed record ResourceStateSnapshot(string Text, string? Style)
{
    /// <summary>A state without a style.</summary>
    public static implicit operator ResourceStateSnapshot?(string? text) => text is null ? null : new(text, null);
}

/// <summary>A change of a replica.</summary>
/// <param name="resource">The resource.</param>
/// <param name="resourceId">The replica.</param>
/// <param name="snapshot">What is known of it now.</param>
public class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    /// <summary>The resource.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>The replica: the resource's name and a random suffix.</summary>
    public string ResourceId { get; } = resourceId;

    /// <summary>What is known of the replica.</summary>
    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>The states a replica goes through.</summary>
public static class KnownResourceStates
{
    /// <summary>Not started yet.</summary>
    public static readonly string NotStarted = nameof(NotStarted);

    /// <summary>Waits for others.</summary>
    public static readonly string Waiting = nameof(Waiting);

    /// <summary>Being started, for the first time or after a crash.</summary>
    public static readonly string Starting = nameof(Starting);

    /// <summary>Its process runs.</summary>
    public static readonly string Running = nameof(Running);

    /// <summary>The program that starts it is missing or broken.</summary>
    public static readonly string RuntimeUnhealthy = nameof(RuntimeUnhealthy);

    /// <summary>Asked to end.</summary>
    public static readonly string Stopping = nameof(Stopping);

    /// <summary>A server that ended.</summary>
    public static readonly string Exited = nameof(Exited);

    /// <summary>A project or program that ended, whatever its code.</summary>
    public static readonly string Finished = nameof(Finished);

    /// <summary>Could not be started.</summary>
    public static readonly string FailedToStart = nameof(FailedToStart);

    /// <summary>Exists without a process.</summary>
    public static readonly string Active = nameof(Active);

    /// <summary>The states that nothing follows, unless someone starts the resource again.</summary>
    public static readonly IReadOnlyList<string> TerminalStates = [Finished, FailedToStart, Exited];
}

/// <summary>What a waiter does when what it waits for can't come any more.</summary>
public enum WaitBehavior
{
    /// <summary>Waits on: someone may start it again.</summary>
    WaitOnResourceUnavailable,

    /// <summary>Fails.</summary>
    StopOnResourceUnavailable,
}
