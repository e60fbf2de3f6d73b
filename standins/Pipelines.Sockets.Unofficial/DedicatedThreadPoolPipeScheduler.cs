using System.IO.Pipelines;

namespace Pipelines.Sockets.Unofficial;

/// <summary>
/// Runs continuations on threads of its own, so that replies are read even while the thread pool is exhausted.
/// </summary>
/// <remarks>Work that throws ends the process, as it does on the thread pool.</remarks>
public sealed class DedicatedThreadPoolPipeScheduler : PipeScheduler, IDisposable
{
    // A monitor and no semaphore: a thread that has nothing to do sleeps at once. Spinning for the next piece of work
    // costs the other threads of a small machine more than waking up does.
    private readonly object _lock = new();
    private readonly Queue<(Action<object?> Run, object? State)> _queue = new();
    private readonly int _longestQueue;
    private int _available;
    private bool _disposed;
    private long _servicedByQueue;
    private long _servicedByPool;

    /// <summary>Starts the threads.</summary>
    /// <param name="name">Their name.</param>
    /// <param name="workerCount">How many, 1 or more.</param>
    /// <param name="useThreadPoolQueueLength">Work goes to the thread pool while this much is waiting already.</param>
    /// <param name="priority">Their priority.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is out of its range.</exception>
    public DedicatedThreadPoolPipeScheduler(
        string? name = null,
        int workerCount = 5,
        int useThreadPoolQueueLength = 10,
        ThreadPriority priority = ThreadPriority.Normal)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(workerCount, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(useThreadPoolQueueLength);
        _longestQueue = useThreadPoolQueueLength;
        WorkerCount = workerCount;
        for (int i = 0; i < workerCount; i++)
        {
            new Thread(Work) { IsBackground = true, Name = name, Priority = priority }.Start();
        }
    }

    /// <summary>Number of threads.</summary>
    public int WorkerCount { get; }

    /// <summary>Threads that have nothing to do at this moment.</summary>
    public int AvailableCount => Volatile.Read(ref _available);

    /// <summary>How much work these threads have done.</summary>
    public long TotalServicedByQueue => Volatile.Read(ref _servicedByQueue);

    /// <summary>How much work went to the thread pool.</summary>
    public long TotalServicedByPool => Volatile.Read(ref _servicedByPool);

    /// <inheritdoc />
    public override void Schedule(Action<object?> action, object? state)
    {
        ArgumentNullException.ThrowIfNull(action);
        bool queued;
        lock (_lock)
        {
            queued = !_disposed && _queue.Count < Math.Max(1, _longestQueue);
            if (queued)
            {
                _queue.Enqueue((action, state));
                Monitor.Pulse(_lock);
            }
        }

        if (queued) return;

        Interlocked.Increment(ref _servicedByPool);
        ThreadPool.Schedule(action, state);
    }

    /// <summary>Lets the threads end when they have done what is queued; later work goes to the thread pool.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            Monitor.PulseAll(_lock);
        }
    }

    private void Work()
    {
        while (true)
        {
            (Action<object?> Run, object? State) work;
            lock (_lock)
            {
                _available++;
                while (!_queue.TryDequeue(out work))
                {
                    if (_disposed) return;
                    Monitor.Wait(_lock);
                }

                _available--;
            }

            Interlocked.Increment(ref _servicedByQueue);
            work.Run(work.State);
        }
    }
}
