using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Inventory.Testing;

namespace Inventory.Gateway.Tests.BotGuard;

/// <summary>Solutions that shoppers need where the guard is tightened, and invalid ones.</summary>
public sealed class ProofOfWorkTests : GuardedShop
{
    [Fact]
    public async Task A_solved_challenge_admits_one_request_at_any_gateway()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var refused = await ReserveAsync(One, cookie, Body("shoe"));
        await AssertRefusedAsync(refused, "missing");
        var solution = (await Puzzle.OfAsync(refused.Response)).Solve();

        var admitted = await ReserveAsync(Other, cookie, Body("shoe"), solution);

        Assert.Equal(200, admitted.Status);
        Assert.Equal(Body("shoe"), Replica.Requests[^1].Body);
        Assert.False(Replica.Requests[^1].Headers.ContainsKey("X-Proof-Of-Work"));
        await AssertRefusedAsync(await ReserveAsync(One, cookie, Body("shoe"), solution), "reused");
        await AssertRefusedAsync(await ReserveAsync(Other, cookie, Body("shoe"), solution), "reused");
    }

    [Fact]
    public async Task A_SKU_is_found_wherever_the_body_is_cut_into_pieces()
    {
        var cookie = await CookieAsync();
        var sku = new string('s', 60);
        await TightenAsync(sku);
        // The server keeps a body in pieces of 4 KiB. These begin the SKU at every 40th byte of a piece, so one of them
        // is cut within the SKU.
        for (var before = 4_000; before < 8_200; before += 40)
        {
            var body = $$"""{"note":"{{new string('x', before)}}","sku":"{{sku}}"}""";
            await AssertRefusedAsync(await ReserveAsync(One, cookie, body), "missing");
        }
    }

    [Fact]
    public async Task Only_one_of_many_requests_with_the_same_solution_passes()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var solution = await SolutionAsync(cookie);

        var answers = await Task.WhenAll(Enumerable.Range(0, 15).Select(
            i => ReserveAsync(i % 2 == 0 ? One : Other, cookie, Body("shoe"), solution)));

        Assert.Single(answers, answer => answer.Status == 200);
        Assert.Equal(14, answers.Count(answer => answer.Status == 403));
    }

    [Fact]
    public async Task A_solution_sent_too_soon_after_the_last_one_is_refused_and_stays_valid()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"), await SolutionAsync(cookie))).Status);
        var solution = await SolutionAsync(cookie);

        var early = await ReserveAsync(Other, cookie, Body("shoe"), solution);

        await ProblemAssert.IsProblemAsync(early.Response, 429, "too-many-requests", "/reserve");
        Assert.InRange(early.Response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 10);
        // End the turn, which would otherwise end by time.
        await RedisAsync(async redis =>
        {
            foreach (var key in redis.Multiplexer.GetServers().Single().Keys(pattern: $"{Guard}:turn:*").ToList())
            {
                await redis.KeyDeleteAsync(key);
            }

            return true;
        });
        Assert.Equal(200, (await ReserveAsync(Other, cookie, Body("shoe"), solution)).Status);
    }

    [Fact]
    public async Task Shoppers_do_not_share_a_turn()
    {
        await TightenAsync("shoe");
        for (var i = 0; i < 3; i++)
        {
            var cookie = await CookieAsync();
            Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"), await SolutionAsync(cookie))).Status);
        }
    }

    [Fact]
    public async Task A_solution_is_valid_only_for_the_shopper_of_its_challenge()
    {
        var (one, other) = (await CookieAsync(), await CookieAsync());
        await TightenAsync("shoe");
        var solution = await SolutionAsync(one);

        await AssertRefusedAsync(await ReserveAsync(One, other, Body("shoe"), solution), "foreign");

        // The refused use has not used the solution up.
        Assert.Equal(200, (await ReserveAsync(One, one, Body("shoe"), solution)).Status);
    }

    [Fact]
    public async Task A_late_solution_is_refused_as_expired()
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var solution = await SolutionAsync(cookie);

        Time.Advance(TimeSpan.FromSeconds(121));

        await AssertRefusedAsync(await ReserveAsync(One, cookie, Body("shoe"), solution), "expired");
    }

    [Theory]
    [InlineData("another number", "wrong")]
    [InlineData("a later time", "wrong")]
    [InlineData("a digit moved from the number into the salt", "malformed")]
    [InlineData("another shopper in the salt", "wrong")]
    [InlineData("more units in the salt", "wrong")]
    [InlineData("signed by oneself", "wrong")]
    [InlineData("number in quotes", "malformed")]
    [InlineData("another algorithm", "malformed")]
    [InlineData("no JSON", "malformed")]
    [InlineData("no base64", "malformed")]
    [InlineData("too long", "malformed")]
    public async Task An_invalid_solution_is_refused_with_its_reason(string what, string reason)
    {
        var cookie = await CookieAsync();
        await TightenAsync("shoe");
        var good = JsonNode.Parse(Convert.FromBase64String(await SolutionAsync(cookie)))!.AsObject();

        var refused = await ReserveAsync(One, cookie, Body("shoe"), Change(good, what));

        await AssertRefusedAsync(refused, reason);
    }

    [Fact]
    public async Task A_challenge_has_the_form_that_the_widget_expects()
    {
        var answer = await SendAsync(One, "GET", "/api/challenge");

        Assert.Equal((200, "no-store"), (answer.Status, answer.Header("Cache-Control")));
        // A challenge belongs to a session, so a caller without one gets one.
        Assert.NotNull(answer.Cookie);
        var json = JsonDocument.Parse(await answer.Response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(
            ["algorithm", "challenge", "maxnumber", "salt", "signature"],
            json.EnumerateObject().Select(field => field.Name));
        var puzzle = Puzzle.Of(json.GetRawText());
        Assert.Equal(("SHA-256", 500), (puzzle.Algorithm, puzzle.Maxnumber));
        Assert.Matches("^[0-9a-f]{64}$", puzzle.Challenge);
        Assert.Matches("^[0-9a-f]{64}$", puzzle.Signature);
        Assert.Matches(@"^[0-9a-f]{24}\?expires=\d+&for=[0-9a-f]{24}&units=2&$", puzzle.Salt);
        var expires = long.Parse(puzzle.Salt.Split('=')[1].Split('&')[0]);
        Assert.InRange(expires - Time.GetUtcNow().ToUnixTimeSeconds(), 60, 120);
        Assert.InRange(puzzle.Number(), 0, 500);
    }

    [Fact]
    public async Task A_challenge_can_be_solved_in_advance()
    {
        var cookie = await CookieAsync();
        var solution = await SolutionAsync(cookie);
        await TightenAsync("shoe");

        Assert.Equal(200, (await ReserveAsync(One, cookie, Body("shoe"), solution)).Status);
    }

    [Fact]
    public async Task Backends_get_no_challenge()
    {
        var answer = await SendAsync(
            One, "GET", "/api/challenge", Home, null, ("X-Api-Key", Identity.DemoKeys.Backend));

        await ProblemAssert.IsProblemAsync(answer.Response, 404, "not-found", "/api/challenge");
    }

    [Fact]
    public async Task Issued_solved_and_refused_challenges_are_counted_over_all_gateways()
    {
        var cookie = await CookieAsync();
        // Tightening needs several requests without a solution at both gateways.
        await TightenAsync("shoe");
        await Eventually.TrueAsync(async () => await CountAsync("refused") is >= 2 and var refused
            && await CountAsync("issued") == refused);
        var (issued, solved) = (await CountAsync("issued"), await CountAsync("solved"));

        Assert.Equal(200, (await ReserveAsync(Other, cookie, Body("shoe"), await SolutionAsync(cookie))).Status);

        await Eventually.TrueAsync(async () =>
            await CountAsync("issued") == issued + 1 && await CountAsync("solved") == solved + 1);
    }

    private Task<long> CountAsync(string name) =>
        RedisAsync(async redis => (long)await redis.HashGetAsync(Guard, name));

    private static string Change(JsonObject good, string what)
    {
        var (salt, number) = ((string)good["salt"]!, (long)good["number"]!);
        switch (what)
        {
            case "another number":
                good["number"] = number + 1;
                break;
            case "a later time":
                good["salt"] = salt.Replace("expires=", "expires=9", StringComparison.Ordinal);
                break;
            case "a digit moved from the number into the salt":
                // The hashed text is the same, so hash and signature are right.
                var text = $"{number:D}";
                good["salt"] = salt + text[0];
                good["number"] = text.Length > 1 ? long.Parse(text[1..]) : 0;
                break;
            case "another shopper in the salt":
                good["salt"] = salt.Replace("for=", "for=0", StringComparison.Ordinal);
                break;
            case "more units in the salt":
                good["salt"] = salt.Replace("units=2", "units=200", StringComparison.Ordinal);
                break;
            case "signed by oneself":
                good["signature"] = new string('a', 64);
                break;
            case "number in quotes":
                good["number"] = $"{number:D}";
                break;
            case "another algorithm":
                good["algorithm"] = "SHA-1";
                break;
            case "no JSON":
                return Convert.ToBase64String(Encoding.UTF8.GetBytes(good.ToJsonString()[1..]));
            case "no base64":
                return good.ToJsonString();
            default:
                good["took"] = new string('1', 2_048);
                break;
        }

        return Convert.ToBase64String(Encoding.UTF8.GetBytes(good.ToJsonString()));
    }

    /// <summary>Asserts a refusal with its reason and a new, valid challenge.</summary>
    private static async Task AssertRefusedAsync(Answer answer, string reason)
    {
        await ProblemAssert.IsProblemAsync(answer.Response, 403, "proof-of-work-required", "/reserve");
        var problem = JsonDocument.Parse(await answer.Response.Content.ReadAsStringAsync()).RootElement;
        Assert.Equal(reason, problem.GetProperty("reason").GetString());
        Assert.Equal("no-store", answer.Header("Cache-Control"));
        Puzzle.Of(problem.GetProperty("challenge").GetRawText()).Number();
    }
}
