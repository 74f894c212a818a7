// Sign-up and sign-in against the user pool. The password never leaves the browser: sign-in is SRP.
import {
  AuthenticationDetails,
  CognitoUser,
  CognitoUserAttribute,
  CognitoUserPool,
} from "amazon-cognito-identity-js";

export class Auth {
  constructor(config) {
    this.pool = new CognitoUserPool({
      UserPoolId: config.UserPoolId,
      ClientId: config.UserPoolClientId,
      endpoint: config.endpoint,
    });
  }

  user(email) {
    return new CognitoUser({ Username: email, Pool: this.pool });
  }

  signUp(email, password) {
    const attributes = [new CognitoUserAttribute({ Name: "email", Value: email })];
    return promised((done) => this.pool.signUp(email, password, attributes, [], done));
  }

  confirm(email, code) {
    return promised((done) => this.user(email).confirmRegistration(code, false, done));
  }

  resend(email) {
    return promised((done) => this.user(email).resendConfirmationCode(done));
  }

  signIn(email, password) {
    const details = new AuthenticationDetails({ Username: email, Password: password });
    return new Promise((resolve, reject) =>
      this.user(email).authenticateUser(details, { onSuccess: resolve, onFailure: reject }),
    );
  }

  // The session that is kept in the browser's storage, refreshed where it is old; null when signed out.
  async session() {
    const user = this.pool.getCurrentUser();
    if (!user) return null;
    return promised((done) => user.getSession(done)).catch(() => null);
  }

  signOut() {
    this.pool.getCurrentUser()?.signOut();
  }
}

function promised(call) {
  return new Promise((resolve, reject) => call((error, value) => (error ? reject(error) : resolve(value))));
}
