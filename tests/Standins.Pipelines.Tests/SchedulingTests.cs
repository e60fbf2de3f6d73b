using System.Collections.Concurrent;
using System.Net.Sockets;
using Pipelines.Sockets.Unofficial;

namespace Standins.Pipelines.Tests;

public sealed class SchedulingTests
{
    [Fact]
    public async Task Work_runs_once_on_the_named_threads_or_on_the_pool_when_too_much_is_waiting()
    {
        const int count = 20_000;
        using var scheduler = new DedicatedThreadPoolPipeScheduler(
            "workers", workerCount: 3, useThreadPoolQueueLength: 5);
        var runs = new ConcurrentDictionary<int, string?>();
        var all = new CountdownEvent(count);
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        for (int i = 0; i < count; i++)
        {
            scheduler.Schedule(
                number =>
                {
                    Assert.True(runs.TryAdd((int)number!, Thread.CurrentThread.Name));
                    if (all.Signal()) ended.SetResult();
                },
                i);
        }

        await ended.Task.WaitAsync(Connect.Patience);
        Assert.Equal(count, scheduler.TotalServicedByPool + scheduler.TotalServicedByQueue);
        Assert.Equal(scheduler.TotalServicedByQueue, runs.Values.Count(name => name == "workers"));
        Assert.Equal(3, scheduler.WorkerCount);
        Assert.InRange(scheduler.AvailableCount, 0, 3);
    }

    [Fact]
    public async Task After_dispose_what_is_queued_still_runs_and_new_work_goes_to_the_pool()
    {
        var scheduler = new DedicatedThreadPoolPipeScheduler("one", workerCount: 1);
        var hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var names = new ConcurrentQueue<string?>();
        var queued = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var late = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        scheduler.Schedule(_ => hold.Task.Wait(), null);
        scheduler.Schedule(_ => { names.Enqueue(Thread.CurrentThread.Name); queued.SetResult(); }, null);

        scheduler.Dispose();
        scheduler.Dispose();
        scheduler.Schedule(_ => late.SetResult(), null);
        await late.Task.WaitAsync(Connect.Patience);
        hold.SetResult();
        await queued.Task.WaitAsync(Connect.Patience);

        Assert.Equal("one", Assert.Single(names));
        Assert.Equal(1, scheduler.TotalServicedByPool);
    }

    [Fact]
    public async Task An_operation_that_completes_lets_its_awaiter_go_once_and_can_be_repeated()
    {
        using var args = new SocketAwaitableEventArgs();
        for (int i = 0; i < 20_000; i++)
        {
            Task completing = Task.Run(args.Complete);
            Assert.Equal(0, await args);
            await completing;
        }
    }

    [Fact]
    public async Task An_abort_ends_the_wait_with_its_error_and_is_harmless_afterwards()
    {
        using var args = new SocketAwaitableEventArgs(System.IO.Pipelines.PipeScheduler.ThreadPool);
        Task aborting = Task.Run(() => args.Abort(SocketError.TimedOut));

        var e = await Assert.ThrowsAsync<SocketException>(async () => await args);
        await aborting;
        args.Abort();
        args.Complete();

        Assert.Equal(SocketError.TimedOut, e.SocketErrorCode);
    }

    [Fact]
    public void Targets_of_a_delegate_are_walked_in_order()
    {
        var called = new List<int>();
        Action one = () => called.Add(1);
        Action both = one + (() => called.Add(2));

        foreach (Action target in Delegates.AsEnumerable(both)) target();
        foreach (Action target in Delegates.AsEnumerable<Action>(null)) target();

        Assert.Equal([1, 2], called);
        Assert.True(Delegates.IsSingle(one));
        Assert.False(Delegates.IsSingle(both));
    }
}
