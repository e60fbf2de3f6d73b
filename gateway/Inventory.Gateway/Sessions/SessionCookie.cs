using System.Buffers.Binary;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace Inventory.Gateway.Sessions;

/// <summary>A session as read from its cookie.</summary>
/// <param name="Subject">The shopper's name at the API, see <see cref="Identity.ShopperSubject"/>.</param>
/// <param name="Issued">When the cookie was made.</param>
internal sealed record Session(string Subject, DateTimeOffset Issued);

/// <summary>
/// The session cookie: subject and time, encrypted and signed, some 160 characters. It holds nothing else, so it never
/// grows.
/// </summary>
internal sealed class SessionCookie(SessionKeyring keyring, IOptions<ShopperSessionOptions> options, TimeProvider time)
{
    private const string Name = "inventory-session";

    // Browsers take a cookie with this prefix only over HTTPS, from this host and for all of its paths: another host of
    // the same domain can't set one.
    private const string SecureName = "__Host-" + Name;

    // The gateway's cookies are half as long. A longer one is ignored without any cryptography.
    private const int MaxLength = 400;

    private const int TimeBytes = sizeof(long);

    /// <summary>Whether cookies can be written and read.</summary>
    public bool IsReady => keyring.Protector is not null;

    /// <summary>
    /// The session of a request; null when its cookie is missing, was changed, was signed with unknown keys, or while
    /// no keys are known.
    /// </summary>
    public Session? Read(HttpRequest request)
    {
        if (!request.Headers.ContainsKey("Cookie") || keyring.Protector is not { } protector) return null;
        var cookie = request.Cookies[request.IsHttps ? SecureName : Name];
        if (cookie is not { Length: > 0 and <= MaxLength } text) return null;

        byte[] content;
        try
        {
            content = protector.Unprotect(Base64Url.DecodeFromChars(text));
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            // Not the gateway's error: another application's cookie, or an attacker's guess.
            return null;
        }

        if (content.Length <= TimeBytes) return null;
        var issued = DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(content));
        return new Session(Encoding.ASCII.GetString(content.AsSpan(TimeBytes)), issued);
    }

    /// <summary>Sets a new cookie for <paramref name="subject"/>.</summary>
    /// <exception cref="InvalidOperationException">Not <see cref="IsReady"/>.</exception>
    public void Issue(HttpContext context, string subject)
    {
        var protector = keyring.Protector ?? throw new InvalidOperationException("The cookie keys are not known yet.");
        var content = new byte[TimeBytes + subject.Length];
        BinaryPrimitives.WriteInt64BigEndian(content, time.GetUtcNow().ToUnixTimeMilliseconds());
        Encoding.ASCII.GetBytes(subject, content.AsSpan(TimeBytes));
        var secure = context.Request.IsHttps;
        context.Response.Cookies.Append(
            secure ? SecureName : Name, Base64Url.EncodeToString(protector.Protect(content)), Attributes(secure));
    }

    /// <summary>Deletes the cookie.</summary>
    public void Delete(HttpContext context)
    {
        var secure = context.Request.IsHttps;
        context.Response.Cookies.Delete(secure ? SecureName : Name, Attributes(secure));
    }

    /// <summary>Whether the last renewal is so recent that the session can't have been idle for too long.</summary>
    public bool IsFresh(Session session) => time.GetUtcNow() - session.Issued < options.Value.IdleTimeout;

    /// <summary>Whether a request should renew the cookie.</summary>
    public bool IsDue(Session session) => time.GetUtcNow() - session.Issued >= options.Value.RenewAfter;

    private CookieOptions Attributes(bool secure) => new()
    {
        HttpOnly = true,
        // Browsers send the cookie for links from other sites, but not for their forms and scripts.
        SameSite = SameSiteMode.Lax,
        Secure = secure,
        Path = "/",
        MaxAge = options.Value.IdleTimeout,
        IsEssential = true,
    };
}
