// The stack's outputs and the platform's address, put beside the page when it is deployed.
export async function loadConfig() {
  const answer = await fetch("config.json", { cache: "no-store" });
  if (!answer.ok) throw new Error(`config.json: ${answer.status}; is the stack deployed?`);
  return answer.json();
}
