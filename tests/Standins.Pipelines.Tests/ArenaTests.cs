using Pipelines.Sockets.Unofficial.Arenas;

namespace Standins.Pipelines.Tests;

public sealed class ArenaTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Sequences_are_disjoint_and_every_way_of_reading_them_agrees(int seed)
    {
        var random = new Random(seed);
        var arena = new Arena<(int Number, string? Text)>(new ArenaOptions(blockSizeBytes: 1_000));
        for (int round = 0; round < 200; round++)
        {
            var taken = new List<(Sequence<(int, string?)> Sequence, int First)>();
            int next = 0;
            for (int i = random.Next(10); i >= 0; i--)
            {
                Sequence<(int, string?)> sequence = arena.Allocate(random.Next(random.Next(5) == 0 ? 3_000 : 40));
                taken.Add((sequence, next));
                foreach (ref (int, string?) place in sequence) place = (next++, "t");
            }

            foreach ((Sequence<(int, string?)> sequence, int first) in taken) AssertHolds(sequence, first);
            arena.Reset();
        }
    }

    [Fact]
    public void A_reset_clears_what_holds_references_and_uses_the_same_memory_again()
    {
        var arena = new Arena<string?>();
        Sequence<string?> before = arena.Allocate(100);
        before.FirstSpan.Fill("kept alive");
        arena.Reset();
        Sequence<string?> after = arena.Allocate(100);

        Assert.True(before.FirstSpan == after.FirstSpan);
        Assert.All(after.FirstSpan.ToArray(), Assert.Null);
    }

    [Theory]
    [InlineData(ArenaFlags.None, 7)]
    [InlineData(ArenaFlags.ClearAtReset, 0)]
    public void Numbers_are_cleared_at_a_reset_only_on_request(ArenaFlags flags, int expected)
    {
        var arena = new Arena<int>(new ArenaOptions(flags));
        arena.Allocate(10).FirstSpan.Fill(7);
        arena.Reset();

        Assert.Equal(expected, arena.Allocate(10)[9]);
    }

    [Fact]
    public void Memory_of_a_large_round_is_given_back_during_small_ones_and_never_twice()
    {
        var blocks = new CountingAllocator();
        var arena = new Arena<int>(new ArenaOptions(blockSizeBytes: 400), blocks);
        arena.Allocate(1_000_000);
        int peak = blocks.Out.Count;
        for (int i = 0; i < 100; i++)
        {
            arena.Reset();
            arena.Allocate(5);
        }

        Assert.True(peak > 10);
        Assert.Single(blocks.Out);
    }

    [Fact]
    public void The_retention_policy_is_obeyed()
    {
        var blocks = new CountingAllocator();
        var arena = new Arena<int>(new ArenaOptions(blockSizeBytes: 400, retentionPolicy: (_, _) => 250), blocks);
        for (int i = 0; i < 10; i++) arena.Allocate(100);
        arena.Reset();

        Assert.Equal(3, blocks.Out.Count);
    }

    [Fact]
    public void A_disposed_arena_refuses_and_keeps_its_blocks_from_other_owners()
    {
        var blocks = new CountingAllocator();
        var arena = new Arena<int>(null, blocks);
        Sequence<int> sequence = arena.Allocate(3);
        arena.Dispose();
        arena.Dispose();
        sequence[2] = 5;

        Assert.Equal(5, sequence[2]);
        Assert.Single(blocks.Out);
        Assert.Throws<ObjectDisposedException>(() => arena.Allocate(1));
    }

    [Fact]
    public void Wrong_lengths_places_and_types_are_refused()
    {
        var arena = new Arena<int>();
        Sequence untyped = arena.Allocate(2).Untyped();

        Assert.Throws<ArgumentOutOfRangeException>(() => arena.Allocate(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => untyped.Cast<int>()[2]);
        Assert.Throws<ArgumentOutOfRangeException>(() => untyped.Cast<int>()[-1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => default(Sequence<int>)[0]);
        Assert.Throws<InvalidCastException>(() => untyped.Cast<long>());
        Assert.Throws<ArgumentException>(() => untyped.Cast<int>().CopyTo(new int[1], (in int i) => i));
        Assert.Throws<InvalidOperationException>(() => default(Sequence<int>).GetEnumerator().GetNext());
        Assert.True(default(Sequence).Cast<string>().IsEmpty);
        Assert.True(default(Sequence<int>).IsSingleSegment);
        Assert.True(default(Sequence<int>).FirstSpan.IsEmpty);
    }

    private static void AssertHolds(Sequence<(int Number, string? Text)> sequence, int first)
    {
        int[] expected = [.. Enumerable.Range(first, (int)sequence.Length)];
        var spans = new List<int>();
        foreach (Span<(int Number, string? Text)> span in sequence.Spans)
        {
            Assert.False(span.IsEmpty);
            foreach ((int number, _) in span) spans.Add(number);
        }

        var walked = new List<int>();
        Sequence<(int Number, string? Text)>.Enumerator places =
            sequence.Untyped().Cast<(int, string?)>().GetEnumerator();
        for (int i = 0; i < expected.Length; i++) walked.Add(places.GetNext().Number);

        Assert.False(places.MoveNext());
        Assert.Equal(expected, spans);
        Assert.Equal(expected, walked);
        Assert.Equal(expected, expected.Select((_, i) => sequence[i].Number));
        Assert.Equal(expected, sequence.ToArray((in (int Number, string? Text) place) => place.Number));
        Assert.Equal(
            expected.Select(number => number + 10),
            sequence.ToArray((in (int Number, string? Text) place, in int more) => place.Number + more, 10));
        Assert.Equal(sequence.IsSingleSegment, sequence.FirstSpan.Length == sequence.Length);
        Assert.Equal(expected.Length == 0, sequence.IsEmpty);
    }

    private sealed class CountingAllocator : Allocator<int>
    {
        public HashSet<int[]> Out { get; } = [];

        public override int[] Rent(int minimumLength)
        {
            int[] block = new int[minimumLength];
            Out.Add(block);
            return block;
        }

        public override void Return(int[] block) => Assert.True(Out.Remove(block));
    }
}
