using System.Globalization;
using Inventory.Contracts;
using Inventory.Storage;
using StackExchange.Redis;

namespace Inventory.Stock;

/// <summary>
/// One script's reply: fields separated by tabs, the outcome first, a leading <c>*</c> on a repeated answer.
/// </summary>
/// <remarks>
/// A field may be what a manual change has left in Redis, so one that can't be read is corrupt data, and no bug that
/// would end a worker.
/// </remarks>
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

    public int NextInt() => Int(Next());

    public long NextLong() =>
        Next() is var field && long.TryParse(field, NumberStyles.AllowLeadingSign, Invariant, out var number)
            ? number
            : throw Corrupt(field);

    public string NextSku() => SkuText.Unescape(Next());

    public DateTimeOffset NextTime() => NextLong() is var milliseconds
        && milliseconds >= 0 && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
            : throw Corrupt(milliseconds.ToString(Invariant));

    public Reservation NextReservation()
    {
        var key = Next();
        if (!ReservationKey.IsKey(key)) throw Corrupt(key);
        var status = Status(Next());
        var expiresAt = NextTime();
        var holder = Next().ToString();
        if (!Names.IsHolder(holder)) throw Corrupt(holder);
        return new(ReservationKey.Parse(key), status, Holder.Parse(holder), NextLines(), expiresAt);
    }

    public IReadOnlyList<Line> NextLines()
    {
        var text = Next();
        try
        {
            return LinesText.Read(text);
        }
        catch (Exception e) when (e is FormatException or OverflowException)
        {
            throw Corrupt(text);
        }
    }

    public IReadOnlyList<LineAvailability> NextAvailability()
    {
        var text = Next();
        var lines = new List<LineAvailability>(1);
        foreach (var range in text.Split(','))
        {
            var line = text[range];
            var last = Colon(line);
            var first = Colon(line[..last]);
            lines.Add(new(SkuText.Unescape(line[..first]), Int(line[(first + 1)..last]), Int(line[(last + 1)..])));
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
        _ => throw Corrupt(letter),
    };

    private static int Colon(ReadOnlySpan<char> line) =>
        line.LastIndexOf(':') is >= 0 and var colon ? colon : throw Corrupt(line);

    private static int Int(ReadOnlySpan<char> field) =>
        int.TryParse(field, NumberStyles.AllowLeadingSign, Invariant, out var number) ? number : throw Corrupt(field);

    private static CorruptDataException Corrupt(ReadOnlySpan<char> field) =>
        new("-", $"a reply has the field '{field[..Math.Min(field.Length, 40)]}', which no script of ours writes");

    private static CultureInfo Invariant => CultureInfo.InvariantCulture;
}
