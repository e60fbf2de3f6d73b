using System.Runtime.CompilerServices;

namespace Inventory.Testing;

/// <summary>A condition was not met in time.</summary>
public sealed class NeverHappenedException(string message) : Exception(message);

/// <summary>
/// Polls until a condition is met. The patience is far longer than any wait of a healthy run: a test that waits is not
/// a timed test.
/// </summary>
public static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>Waits until a condition is met.</summary>
    /// <param name="condition">Whether it is met.</param>
    /// <param name="about">An object to add, as text, to the message of a failure, such as a log.</param>
    /// <param name="patience">The longest wait; two minutes by default.</param>
    /// <param name="isTransient">Which exceptions mean that it is not met yet; none by default.</param>
    /// <param name="what">The condition in words; its source text by default.</param>
    /// <exception cref="NeverHappenedException">The condition was not met in time.</exception>
    public static Task TrueAsync(
        Func<Task<bool>> condition,
        object? about = null,
        TimeSpan? patience = null,
        Func<Exception, bool>? isTransient = null,
        [CallerArgumentExpression(nameof(condition))] string what = "") =>
        GetAsync(condition, isMet => isMet, about, patience, isTransient, what);

    /// <inheritdoc cref="TrueAsync(Func{Task{bool}}, object?, TimeSpan?, Func{Exception, bool}?, string)"/>
    public static Task TrueAsync(
        Func<bool> condition,
        object? about = null,
        TimeSpan? patience = null,
        [CallerArgumentExpression(nameof(condition))] string what = "") =>
        TrueAsync(() => Task.FromResult(condition()), about, patience, what: what);

    /// <summary>Waits until a value is the expected one.</summary>
    /// <exception cref="NeverHappenedException">It was another value until the end of the wait.</exception>
    public static Task EqualAsync<T>(
        T expected,
        Func<Task<T>> read,
        object? about = null,
        Func<Exception, bool>? isTransient = null,
        [CallerArgumentExpression(nameof(read))] string what = "") =>
        GetAsync(
            read, value => EqualityComparer<T>.Default.Equals(value, expected), about, isTransient: isTransient,
            what: $"{what} is {expected}");

    /// <inheritdoc cref="EqualAsync{T}(T, Func{Task{T}}, object?, Func{Exception, bool}?, string)"/>
    public static Task EqualAsync<T>(
        T expected,
        Func<T> read,
        object? about = null,
        [CallerArgumentExpression(nameof(read))] string what = "") =>
        EqualAsync(expected, () => Task.FromResult(read()), about, what: what);

    /// <summary>Reads until a value is as expected, and returns it.</summary>
    /// <param name="read">Reads the value.</param>
    /// <param name="isExpected">Whether it is as expected.</param>
    /// <param name="about">An object to add, as text, to the message of a failure, such as a log.</param>
    /// <param name="patience">The longest wait; two minutes by default.</param>
    /// <param name="isTransient">Which exceptions mean that there is no value yet; none by default.</param>
    /// <param name="what">The condition in words; the source text of the reading by default.</param>
    /// <exception cref="NeverHappenedException">No value was as expected; the message has the last one.</exception>
    public static async Task<T> GetAsync<T>(
        Func<Task<T>> read,
        Func<T, bool> isExpected,
        object? about = null,
        TimeSpan? patience = null,
        Func<Exception, bool>? isTransient = null,
        [CallerArgumentExpression(nameof(read))] string what = "")
    {
        ArgumentNullException.ThrowIfNull(read);
        ArgumentNullException.ThrowIfNull(isExpected);
        var limit = patience ?? Patience;
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            object? seen;
            try
            {
                var value = await read();
                if (isExpected(value)) return value;
                seen = value;
            }
            catch (Exception e) when (isTransient?.Invoke(e) == true)
            {
                seen = e.Message;
            }

            if (TimeProvider.System.GetElapsedTime(began) > limit)
            {
                throw new NeverHappenedException(
                    $"Not met within {limit.TotalSeconds:0} s: {what}. Last seen: {seen ?? "nothing"}. {about}");
            }

            await Task.Delay(Pause);
        }
    }
}
