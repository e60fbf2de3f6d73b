using System.Globalization;
using Inventory.Contracts;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// One script's reply: fields separated by tabs, the outcome first, a leading <c>*</c> on a repeated answer.
/// </summary>
internal ref struct Reply
{
    private ReadOnlySpan<char> rest;
    private bool more = true;

    public Reply(RedisResult result)
    {
        rest = (string?)result ?? throw new InvalidOperationException("A script returned nothing.");
        if (rest is not ['*', .. var repeated]) return;
        Replayed = true;
        rest = repeated;
    }

    /// <summary>Whether this repeats the answer to an idempotency key.</summary>
    public bool Replayed { get; }

    /// <summary>Whether another field follows.</summary>
    public readonly bool HasMore => more;

    /// <summary>The next field.</summary>
    public ReadOnlySpan<char> Next()
    {
        if (!more) throw new InvalidOperationException("A script returned fewer fields than it promises.");
        var end = rest.IndexOf('\t');
        more = end >= 0;
        var field = more ? rest[..end] : rest;
        rest = more ? rest[(end + 1)..] : [];
        return field;
    }

    public int NextInt() => int.Parse(Next(), CultureInfo.InvariantCulture);

    public long NextLong() => long.Parse(Next(), CultureInfo.InvariantCulture);

    public DateTimeOffset NextTime() => DateTimeOffset.FromUnixTimeMilliseconds(NextLong());

    public Reservation NextReservation()
    {
        var id = ReservationKey.Parse(Next());
        var status = Status(Next());
        var expiresAt = NextTime();
        var holder = Holder.Parse(Next().ToString());
        return new(id, status, holder, Lines(Next()), expiresAt);
    }

    public IReadOnlyList<LineAvailability> NextAvailability()
    {
        var text = Next();
        var lines = new List<LineAvailability>(1);
        foreach (var range in text.Split(','))
        {
            var line = text[range];
            var last = line.LastIndexOf(':');
            var first = line[..last].LastIndexOf(':');
            lines.Add(new(
                line[..first].ToString(),
                int.Parse(line[(first + 1)..last], CultureInfo.InvariantCulture),
                int.Parse(line[(last + 1)..], CultureInfo.InvariantCulture)));
        }

        return lines;
    }

    /// <summary>Lines as the scripts write them, such as <c>sku-1:2,sku-2:1</c>.</summary>
    public static IReadOnlyList<Line> Lines(ReadOnlySpan<char> text)
    {
        if (text.IsEmpty) return [];
        var lines = new List<Line>(1);
        foreach (var range in text.Split(','))
        {
            var line = text[range];
            var colon = line.LastIndexOf(':');
            lines.Add(new(line[..colon].ToString(), int.Parse(line[(colon + 1)..], CultureInfo.InvariantCulture)));
        }

        return lines;
    }

    private static ReservationStatus Status(ReadOnlySpan<char> letter) => letter switch
    {
        "p" => ReservationStatus.Pending,
        "c" => ReservationStatus.Confirming,
        "f" => ReservationStatus.Confirmed,
        "r" => ReservationStatus.Released,
        "e" => ReservationStatus.Expired,
        _ => throw new InvalidOperationException($"A script returned state {letter}, which no status names."),
    };
}
