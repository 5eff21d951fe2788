// What an App does with GitHub's SDK: only the address and the token are not GitHub's.
import { Octokit } from "@octokit/rest";

const octokit = new Octokit({ baseUrl: process.env.BASE_URL, auth: process.env.TOKEN });

const user = await octokit.rest.users.getAuthenticated();
const issues = await octokit.paginate(octokit.rest.issues.listForRepo, {
  owner: "o",
  repo: "r",
  per_page: 2,
});
const created = await octokit.rest.issues.create({ owner: "o", repo: "r", title: "found" });
let refused;
try {
  await octokit.rest.repos.delete({ owner: "o", repo: "r" });
} catch (error) {
  // This SDK reads application/json alone; a problem reaches its caller as bytes.
  const problem = JSON.parse(new TextDecoder().decode(error.response.data));
  refused = { status: error.status, code: problem.code };
}
console.log(
  JSON.stringify({
    login: user.data.login,
    issues: issues.map((issue) => issue.number),
    created: created.data,
    refused,
  }),
);
