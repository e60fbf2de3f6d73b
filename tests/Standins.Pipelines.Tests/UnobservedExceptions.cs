using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Standins.Pipelines.Tests;

/// <summary>Collects the exceptions of tasks that nobody looked at, from the start of the test process.</summary>
internal static class UnobservedExceptions
{
    private static readonly ConcurrentQueue<Exception> Seen = new();

    [ModuleInitializer]
    internal static void Listen() => TaskScheduler.UnobservedTaskException += (_, e) => Seen.Enqueue(e.Exception);

    /// <summary>Lets the collector find forgotten tasks, and fails if it found any.</summary>
    public static void AssertNone()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Empty(Seen);
    }
}
