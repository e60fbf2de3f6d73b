using System.Globalization;

namespace Inventory.ReservationApi.Requests;

/// <summary>Reads numbers from the query, and says by name what is wrong with one.</summary>
internal static class IncomingQuery
{
    /// <summary>A whole number of 1 or more.</summary>
    /// <param name="http">The request.</param>
    /// <param name="name">The parameter's name.</param>
    /// <param name="usual">The value when it is absent.</param>
    /// <param name="most">The most it may be.</param>
    /// <param name="errors">Gets an error when the value breaks its rule.</param>
    internal static long ReadNumber(HttpContext http, string name, long usual, long most, ref FieldErrors errors)
    {
        if (!http.Request.Query.TryGetValue(name, out var values)) return usual;
        // Digits only: no sign, no spaces, no thousands.
        if (values is [{ } value]
            && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= 1 && number <= most)
        {
            return number;
        }
        errors.Add(name, $"must be given once, as a whole number from 1 to {most}");
        return usual;
    }
}
